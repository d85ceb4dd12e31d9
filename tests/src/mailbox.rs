//! A mail server that takes messages and behaves as a test says: aiosmtpd, the SMTP server of another language, which
//! also takes the messages apart with that language's own library.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::program::until;

const SCRIPT: &str = r#"
import asyncio, base64, collections, email, email.policy, json, os, ssl, sys, threading
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

reactions = collections.deque()

def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

def listen():
    for line in sys.stdin:
        order = json.loads(line)
        if order:
            reactions.append(order)
        say({"event": "understood"})
    os._exit(0)

async def react(stage, server):
    "What the test wants to happen here: None, a reply, or the end of the connection."
    if not reactions or reactions[0]["at"] != stage:
        return None
    reaction = reactions.popleft()
    say({"event": "reaction", "at": stage})
    if "hang" in reaction:
        await asyncio.sleep(reaction["hang"])
    if reaction.get("drop"):
        server.transport.abort()
        return "421 gone"
    return reaction.get("reply")

class Server(SMTP):
    async def smtp_DATA(self, arg):
        reply = await react("data", self)
        if reply:
            await self.push(reply)
            return
        await super().smtp_DATA(arg)

class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = await react("mail", server)
        if reply:
            return reply
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = await react("rcpt", server)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        # what is refused after the content is not ours
        refused = reactions and reactions[0]["at"] == "dot" and "reply" in reactions[0]
        if not refused:
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            body = lambda kind: message.get_body((kind,)).get_content()
            say({
                "event": "message", "from": envelope.mail_from, "to": envelope.rcpt_tos,
                "headers": {name.lower(): str(value) for name, value in message.items()},
                "defects": [str(defect) for part in message.walk() for defect in part.defects],
                "text": body("plain"), "html": body("html"),
                "ascii": envelope.content.isascii(), "secured": session.ssl is not None,
                "login": session.auth_data.decode() if session.auth_data else None,
            })
        return await react("dot", server) or "250 taken"

def authenticate(server, session, envelope, mechanism, data):
    if isinstance(data, LoginPassword) and data == LoginPassword(b"kartoteka", b"swordfish 1"):
        return AuthResult(success=True, auth_data=data.login)
    return AuthResult(success=False, handled=False)

def make():
    folder = os.environ.get("CERTIFICATE")
    context = None
    if folder:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    return Server(Handler(), hostname="mail.example.com", ident="test", tls_context=context,
        require_starttls=bool(folder), authenticator=authenticate, auth_require_tls=False)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0)
    say({"event": "port", "port": server.sockets[0].getsockname()[1]})
    threading.Thread(target=listen, daemon=True).start()
    await server.serve_forever()

asyncio.run(main())
"#;

/// A message that came in.
#[derive(Clone, Debug, Deserialize)]
pub struct Mail {
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Headers, their names in lower case, decoded.
    pub headers: BTreeMap<String, String>,
    /// What the library found wrong.
    pub defects: Vec<String>,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Whether all of it is ASCII.
    pub ascii: bool,
    /// Whether it came over TLS.
    pub secured: bool,
    /// Who had logged in.
    pub login: Option<String>,
}

impl Mail {
    /// The first link of the text part.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn link(&self) -> &str {
        let words = self.text.split_whitespace();
        words.into_iter().find(|word| word.starts_with("http")).expect("no link in the message")
    }
}

#[derive(Default)]
struct Shared {
    mails: Mutex<Vec<Mail>>,
    reactions: Mutex<Vec<String>>,
    understood: Mutex<usize>,
}

/// A running mail server; ends with the value.
pub struct Mailbox {
    process: Child,
    orders: Mutex<(ChildStdin, usize)>,
    shared: Arc<Shared>,
    port: u16,
}

impl Mailbox {
    /// Starts one that takes everything, without TLS and without login.
    #[must_use]
    pub fn start() -> Self {
        Self::with(None)
    }

    /// Starts one that takes nothing without STARTTLS, with the certificate of this folder.
    #[must_use]
    pub fn secured(certificate: &Certificate) -> Self {
        Self::with(Some(&certificate.0))
    }

    fn with(certificate: Option<&Path>) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut command = Command::new("python3");
        command
            .args(["-c", SCRIPT])
            .env("PYTHONPATH", format!("{root}/.tools/aiosmtpd"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("CERTIFICATE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(folder) = certificate {
            command.env("CERTIFICATE", folder);
        }
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let first: Value = serde_json::from_str(&first).unwrap_or_default();
        let port = first["port"].as_u64().expect("no mail server? Run scripts/setup test");
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.note(&line);
            }
        });
        let orders = Mutex::new((process.stdin.take().unwrap(), 0));
        Self { process, orders, shared, port: u16::try_from(port).unwrap() }
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `KARTOTEKA_SMTP_URL` of it, without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// What the API and jobs need to send by it.
    #[must_use]
    pub fn mail(&self) -> kartoteka_app::mail::Mail {
        kartoteka_app::mail::Mail {
            relay: self.url().parse().unwrap(),
            from: "Pekárna U Lípy <novinky@pekarna.example>".parse().unwrap(),
        }
    }

    /// Reacts so at a stage (`mail`, `rcpt`, `data`, `dot`), once, after what was said before: `reply` to answer with,
    /// `drop` to break the connection, `hang` to let it wait for so many seconds first.
    pub fn react(&self, at: &str, mut how: Value) {
        how["at"] = json!(at);
        self.order(&how);
    }

    /// Says something, and waits until it is understood: then everything that came before is known.
    fn order(&self, what: &Value) {
        let mut orders = lock(&self.orders);
        writeln!(orders.0, "{what}").unwrap();
        orders.1 += 1;
        until("the mail server understands", || *lock(&self.shared.understood) >= orders.1);
    }

    /// Every message that was answered so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.order(&json!({}));
        lock(&self.shared.mails).clone()
    }

    /// Waits until so many messages came in.
    pub fn wait_for(&self, mails: usize) -> Vec<Mail> {
        until("messages come in", || lock(&self.shared.mails).len() >= mails);
        self.mails()
    }

    /// Waits until so many reactions were taken up.
    pub fn wait_for_reactions(&self, reactions: usize) {
        until("the mail server reacts", || lock(&self.shared.reactions).len() >= reactions);
    }
}

impl Shared {
    fn note(&self, line: &str) {
        let value: Value = serde_json::from_str(line).unwrap();
        match value["event"].as_str() {
            Some("message") => lock(&self.mails).push(serde_json::from_value(value).unwrap()),
            Some("reaction") => lock(&self.reactions).push(value["at"].to_string()),
            _ => *lock(&self.understood) += 1,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A certificate for `localhost` and the authority that signed it; removed with the value.
pub struct Certificate(PathBuf);

impl Certificate {
    /// Makes one.
    ///
    /// # Panics
    /// `scripts/setup test` did not install openssl.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir()
            .join(format!("kartoteka-certificate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("server.ext"), "subjectAltName=DNS:localhost\n").unwrap();
        for line in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem",
        ] {
            let made = Command::new("openssl")
                .args(line.split(' '))
                .current_dir(&folder)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(made.is_ok_and(|made| made.success()), "no openssl? Run scripts/setup test");
        }
        Self(folder)
    }

    /// The authority, in PEM.
    #[must_use]
    pub fn authority(&self) -> Vec<u8> {
        std::fs::read(self.0.join("ca.pem")).unwrap()
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
