//! Swagger UI in a real browser: somebody opens it, authorises, and runs an operation.

use fantoccini::Locator;
use kartoteka_tests::{PASSWORD, TestApp};
use serde_json::json;

use crate::browser::{Driver, PATIENCE, click, write};

/// PLT-2: Authorize works, and so does "Try it out".
#[tokio::test]
async fn a_person_authorises_and_lists_the_contacts() {
    let app = TestApp::new().await;
    app.post("/contacts").json(&json!({"email": "shown@example.com"})).await.expect(201);
    let driver = Driver::start();
    let browser = driver.open().await;
    browser.goto(&format!("{}/swagger-ui/", app.url())).await.unwrap();

    click(&browser, ".auth-wrapper button.authorize").await;
    write(&browser, "#oauth_username", &app.home().email).await;
    write(&browser, "#oauth_password", PASSWORD).await;
    // the form that holds the password, of the several in the dialog
    let submit = Locator::XPath(
        "//input[@id='oauth_password']/ancestor::div[contains(@class, 'auth-container')][1]\
         //button[contains(@class, 'authorize')]",
    );
    browser.wait().at_most(PATIENCE).for_element(submit).await.unwrap().click().await.unwrap();
    let logout = Locator::XPath("//button[contains(., 'Logout')]");
    if browser.wait().at_most(PATIENCE).for_element(logout).await.is_err() {
        let said = browser.find(Locator::Css(".modal-ux")).await.unwrap().text().await.unwrap();
        panic!("Authorize did not work; the dialog says: {said}");
    }
    click(&browser, ".modal-ux .close-modal").await;

    click(&browser, "#operations-tag-contacts").await;
    click(&browser, "#operations-contacts-list_contacts .opblock-summary-control").await;
    click(&browser, "#operations-contacts-list_contacts button.execute").await;
    let status = Locator::Css(
        "#operations-contacts-list_contacts .live-responses-table tbody .response-col_status",
    );
    let status = browser.wait().at_most(PATIENCE).for_element(status).await.unwrap();
    let text = status.text().await.unwrap();
    let answer = Locator::Css("#operations-contacts-list_contacts .live-responses-table");
    let answer = browser.find(answer).await.unwrap().text().await.unwrap();
    assert!(text.trim().starts_with("200"), "{answer}");
    assert!(answer.contains("shown@example.com"), "{answer}");
    browser.close().await.unwrap();
}
