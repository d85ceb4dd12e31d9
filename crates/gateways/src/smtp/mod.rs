//! Giving messages to a mail server (RFC 5321), one at a time and step by step, so that it is known how far each got.
//!
//! What a server says is not passed on, only its reply code: its words repeat addresses.

mod letter;
mod relay;

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

pub use letter::{Letter, Sender, Unfit};
pub use relay::{NotARelay, Relay, Tls};

/// The connection, and each command up to the content.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Agreeing on TLS.
const SECURITY_TIMEOUT: Duration = Duration::from_secs(10);
/// The answer to the content. RFC 5321, 4.5.3.2.6 asks for ten minutes, but a job has a slot for that long; whoever is
/// not answered until then does not know, and does not send again.
const CONTENT_TIMEOUT: Duration = Duration::from_secs(120);
/// The answer to QUIT.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a message was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding the server, or its greeting.
    Connection,
    /// Securing the connection.
    Security,
    /// Logging in.
    Login,
    /// The sender.
    Sender,
    /// The recipient.
    Recipient,
    /// The content.
    Content,
}

impl Stage {
    /// A word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Security => "security",
            Self::Login => "login",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Content => "content",
        }
    }
}

/// Why a message was not taken. The server does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// The reply of the server, when there was one (RFC 5321, 4.2.1).
    pub code: Option<u16>,
    /// Whether the same message may be taken later: replies of 4yz, whatever goes wrong on the way, and what the
    /// operator can mend (the server's name, its certificate, the login).
    pub passes: bool,
}

impl Failure {
    fn of(stage: Stage, error: &Error) -> Self {
        let code = error.status().map(u16::from);
        let ours = matches!(stage, Stage::Connection | Stage::Security | Stage::Login);
        Self { stage, code, passes: ours || !error.is_permanent() }
    }

    /// What can be kept and shown: the reply code, or a word of ours.
    #[must_use]
    pub fn problem(&self) -> String {
        match (self.code, self.stage) {
            (Some(code), _) => code.to_string(),
            (None, Stage::Connection) => "unreachable".to_owned(),
            (None, Stage::Security) => "tls".to_owned(),
            (None, Stage::Login) => "login".to_owned(),
            (None, _) => "broken_off".to_owned(),
        }
    }
}

/// What became of a message that a server was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandedOver {
    /// The server has it, and answers for it.
    Taken,
    /// The server does not have it.
    Refused(Failure),
    /// Nobody knows: the connection broke, or the answer could not be understood, after the content was on its way.
    Unknown,
}

/// A connection over which one message goes.
pub struct Session(SmtpConnection);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Relay {
    /// Connects, secures the connection and logs in, as far as the relay says.
    ///
    /// # Errors
    /// [`Failure`]; all of them may pass.
    pub fn connect(&self) -> Result<Session, Failure> {
        let fail = |stage| move |error: Error| Failure::of(stage, &error);
        let hello = ClientId::default();
        let tls = match self.tls {
            Tls::None => None,
            _ => Some(self.parameters().map_err(fail(Stage::Security))?),
        };
        let wrapped = tls.as_ref().filter(|_| self.tls == Tls::Wrapped);
        let host = (self.host.as_str(), self.port);
        let connected = SmtpConnection::connect(host, Some(COMMAND_TIMEOUT), &hello, wrapped, None);
        let mut connection = connected.map_err(|error| {
            let stage = if error.is_tls() { Stage::Security } else { Stage::Connection };
            Failure::of(stage, &error)
        })?;
        if let Some(tls) = tls.filter(|_| self.tls != Tls::Wrapped) {
            // who asks for it is not content without: somebody in between may have taken the offer away
            if connection.can_starttls() || self.tls == Tls::Required {
                // after a certificate that is none, taking leave waits for an answer that does not come
                let _ = connection.set_timeout(Some(SECURITY_TIMEOUT));
                let secured = connection.starttls(&tls, &hello);
                secured.map_err(|error| stopped(&mut connection, Stage::Security, &error))?;
                let _ = connection.set_timeout(Some(COMMAND_TIMEOUT));
            }
        }
        if let Some((user, password)) = &self.login {
            if !connection.is_encrypted() && self.tls != Tls::None {
                // a password goes in the clear only where the operator said so
                leave(&mut connection);
                return Err(Failure { stage: Stage::Security, code: None, passes: true });
            }
            let login = Credentials::new(user.clone(), password.clone());
            let done = connection.auth(&[Mechanism::Plain, Mechanism::Login], &login);
            done.map_err(|error| stopped(&mut connection, Stage::Login, &error))?;
        }
        Ok(Session(connection))
    }

    fn parameters(&self) -> Result<TlsParameters, Error> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(authority) = &self.authority {
            builder = builder.add_root_certificate(Certificate::from_pem(authority)?);
        }
        builder.build_rustls()
    }
}

fn stopped(connection: &mut SmtpConnection, stage: Stage, error: &Error) -> Failure {
    leave(connection);
    Failure::of(stage, error)
}

/// Says good-bye, but does not wait for long to hear it said back.
fn leave(connection: &mut SmtpConnection) {
    let _ = connection.set_timeout(Some(LEAVE_TIMEOUT));
    connection.abort();
}

impl Session {
    /// Names sender and recipient. The server may refuse either; it does not have the message yet.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn offer(&mut self, from: &Sender, to: &str) -> Result<(), Failure> {
        let Self(connection) = self;
        let sender = Mail::new(Some(from.address().clone()), Vec::new());
        let done = connection.command(sender);
        done.map_err(|error| stopped(connection, Stage::Sender, &error))?;
        let Ok(to) = to.parse::<Address>() else {
            leave(connection);
            return Err(Failure { stage: Stage::Recipient, code: None, passes: false });
        };
        let done = connection.command(Rcpt::new(to, Vec::new()));
        done.map_err(|error| stopped(connection, Stage::Recipient, &error))?;
        Ok(())
    }

    /// Gives the server the content. Whoever calls this has noted that it happens: after a break nobody knows how it
    /// ended.
    #[must_use]
    pub fn hand_over(self, content: &[u8]) -> HandedOver {
        let Self(mut connection) = self;
        if let Err(error) = connection.command(Data) {
            return HandedOver::Refused(stopped(&mut connection, Stage::Content, &error));
        }
        if connection.set_timeout(Some(CONTENT_TIMEOUT)).is_err() {
            leave(&mut connection);
            let failure = Failure { stage: Stage::Content, code: None, passes: true };
            return HandedOver::Refused(failure);
        }
        let answered = connection.message(content);
        let outcome = match &answered {
            Ok(answer) if (200..300).contains(&u16::from(answer.code())) => HandedOver::Taken,
            Err(error) if error.status().is_some() => {
                HandedOver::Refused(Failure::of(Stage::Content, error))
            }
            Ok(_) | Err(_) => HandedOver::Unknown,
        };
        // it has the message or has not; how it takes leave changes nothing
        leave(&mut connection);
        outcome
    }

    /// Takes leave without a message.
    pub fn leave(self) {
        let Self(mut connection) = self;
        leave(&mut connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_its_code_or_a_word() {
        let failure = |stage, code| Failure { stage, code, passes: true };
        assert_eq!(failure(Stage::Recipient, Some(550)).problem(), "550");
        assert_eq!(failure(Stage::Connection, None).problem(), "unreachable");
        assert_eq!(failure(Stage::Content, None).problem(), "broken_off");
    }

    #[test]
    fn a_server_that_is_not_there_may_come() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let relay: Relay = format!("smtp://127.0.0.1:{port}?tls=none").parse().unwrap();
        let failure = relay.connect().unwrap_err();
        assert_eq!(failure, Failure { stage: Stage::Connection, code: None, passes: true });
    }
}
