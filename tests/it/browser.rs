//! A real browser, for the pages that people see.
//!
//! Needs Chromium and its driver (`make test` installs them; Debian: `chromium`, `chromium-driver`). The
//! browser resolves no name, so nothing leaves the machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

/// How long the page may take for one step, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The driver, ended with the value.
pub(crate) struct Driver {
    process: Child,
    url: String,
    profile: PathBuf,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let program = program(&["chromedriver", "/usr/lib/chromium-browser/chromedriver"]);
        let mut process = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("the driver of the browser says no port");
        let name = format!("kartoteka-browser-{}", process.id());
        let profile = std::env::temp_dir().join(name);
        Self { process, url: format!("http://127.0.0.1:{port}"), profile }
    }

    pub(crate) async fn open(&self) -> Client {
        let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
        let capabilities = json!({"goog:chromeOptions": {
            "binary": browser,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--disable-default-apps", "--no-proxy-server", "--window-size=1400,1600",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                format!("--user-data-dir={}", self.profile.display()),
            ],
        }});
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        builder.connect(&self.url).await.expect("the browser does not start")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // asks it to close its browsers too; killed, it would leave them behind
        if let Ok(mut stream) = TcpStream::connect(self.url.trim_start_matches("http://")) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = stream.write_all(
                b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            );
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The first of these programs that is on this machine.
fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.chain(names.iter().map(|name| Path::new(name).to_owned())).find(|p| p.is_file() && p.is_absolute()).unwrap_or_else(
        || panic!("none of {names:?} is on this machine: `make test` installs it (Debian: chromium, chromium-driver)"),
    )
}

pub(crate) async fn click(browser: &Client, selector: &str) {
    let element = browser.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
    let element = element.unwrap_or_else(|error| panic!("{selector} is not on the page: {error}"));
    element.click().await.unwrap_or_else(|error| panic!("{selector} takes no click: {error}"));
}

pub(crate) async fn write(browser: &Client, selector: &str, text: &str) {
    let element = browser.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
    let element = element.unwrap_or_else(|error| panic!("{selector} is not on the page: {error}"));
    element.send_keys(text).await.unwrap();
}
