//! HTTP as no client library writes it: bytes as they are, slowly, or broken, and what comes back.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::Answer;

/// A connection. What is sent is exactly what the test says.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Raw {
    /// Connects to a server at `url` (`http://127.0.0.1:…`).
    ///
    /// # Panics
    /// There is no server.
    pub async fn open(url: &str) -> Self {
        Self { stream: TcpStream::connect(address(url)).await.unwrap(), seen: Vec::new() }
    }

    /// As [`Raw::open`], with the smallest buffer for what arrives: the server soon has to wait for us.
    ///
    /// # Panics
    /// There is no server.
    pub async fn open_narrow(url: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self { stream: socket.connect(address(url)).await.unwrap(), seen: Vec::new() }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The server has closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Sends a whole request and reads the answer; 20 s at most.
    ///
    /// # Panics
    /// The server closes the connection without an answer, or is silent.
    pub async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes).await.unwrap();
        self.answer(Duration::from_secs(20)).await.expect("an answer")
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// The server has closed the connection.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Bytes that arrive next; empty when the server has closed the connection.
    ///
    /// # Panics
    /// Nothing comes within `patience`.
    pub async fn bytes(&mut self, patience: Duration) -> Vec<u8> {
        let mut buffer = vec![0; 16 << 10];
        let read = tokio::time::timeout(patience, self.stream.read(&mut buffer)).await;
        let length = read.expect("the server is silent").unwrap_or(0);
        buffer.truncate(length);
        buffer
    }

    /// Whether the server closes the connection within `patience`; what comes before is read and kept.
    pub async fn is_closed(&mut self, patience: Duration) -> bool {
        let end = async {
            let mut buffer = [0; 16 << 10];
            loop {
                match self.stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(length) => self.seen.extend_from_slice(&buffer[..length]),
                }
            }
        };
        tokio::time::timeout(patience, end).await.is_ok()
    }

    /// Whether the server breaks the connection off within `patience`, while we read nothing. A server that
    /// has given up hears of us again only when we send something.
    pub async fn is_reset(&mut self, patience: Duration) -> bool {
        let ask = async {
            while self.stream.write_all(b"\r\n").await.is_ok() {
                let broken = self.stream.ready(Interest::ERROR);
                if tokio::time::timeout(Duration::from_millis(200), broken).await.is_ok() {
                    return;
                }
            }
        };
        tokio::time::timeout(patience, ask).await.is_ok()
    }

    /// Reads on until a text comes; `false` when the connection is closed before, or nothing comes within
    /// `patience`.
    pub async fn until_text(&mut self, text: &str, patience: Duration) -> bool {
        let found = self.until(text.as_bytes());
        matches!(tokio::time::timeout(patience, found).await, Ok(Some(_)))
    }

    /// The next answer; `None` when the connection is closed without one.
    ///
    /// # Panics
    /// Nothing comes within `patience`, or it is no HTTP.
    pub async fn answer(&mut self, patience: Duration) -> Option<Answer> {
        tokio::time::timeout(patience, self.read()).await.expect("the server is silent")
    }

    async fn read(&mut self) -> Option<Answer> {
        let end = self.until(b"\r\n\r\n").await?;
        let head: Vec<u8> = self.seen.drain(..end).collect();
        let (status, headers) = parse(&head);
        let length = headers.get("content-length").and_then(|value| value.to_str().ok());
        let chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
        let mut body = Vec::new();
        if chunked {
            loop {
                let end = self.until(b"\r\n").await?;
                let line: Vec<u8> = self.seen.drain(..end).collect();
                let line = String::from_utf8_lossy(&line);
                let size = usize::from_str_radix(line.trim(), 16).expect("the size of a chunk");
                body.extend(self.exactly(size).await?);
                self.exactly(2).await?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = length.and_then(|text| text.parse().ok()) {
            body = self.exactly(length).await?;
        }
        Some(Answer::new("RAW".into(), String::new(), status, headers, body))
    }

    async fn until(&mut self, mark: &[u8]) -> Option<usize> {
        loop {
            let found = self.seen.windows(mark.len()).position(|window| window == mark);
            if let Some(at) = found {
                return Some(at + mark.len());
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.seen.len() < length {
            self.more().await?;
        }
        Some(self.seen.drain(..length).collect())
    }

    async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 << 10];
        let length = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.seen.extend_from_slice(&buffer[..length]);
        (length > 0).then_some(())
    }
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}

fn parse(head: &[u8]) -> (u16, HeaderMap) {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    (status.unwrap_or_else(|| panic!("no status: {head}")), headers)
}
