//! Tunnels: owns asking an HTTP proxy for one, and reading its answer without a byte of what comes through the tunnel.
//! It refuses to know what goes through.

use std::io;

use tokio::net::TcpStream;

use super::failure;
use crate::{
    shown::shown_latin1,
    sink::{SendError, SendErrorKind, errno},
};

/// Bytes of the proxy's answer; its headers say nothing to us.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What every answer begins with.
const HTTP: &[u8] = b"HTTP/";

/// What a proxy is asked for.
#[derive(Clone)]
pub(in crate::sink) struct Tunnel {
    /// Host and port at the other end.
    pub to: String,
    /// `Proxy-Authorization`.
    pub authorization: Option<String>,
    /// Whether the connection is said to be kept.
    pub keeps_alive: bool,
    /// How errors name the proxy.
    pub through: String,
}

impl Tunnel {
    /// Asks for the tunnel and waits for it.
    pub async fn open(&self, proxy: &TcpStream) -> Result<(), SendError> {
        write(proxy, self.question().as_bytes()).await.map_err(|error| self.lost(&error, true))?;
        let mut room = MAX_HEAD_BYTES;
        let head = loop {
            let head = read_head(proxy, room).await.map_err(|error| self.lost(&error, false))?;
            room = room.saturating_sub(head.len());
            if !is_interim(&head) {
                break head;
            }
        };
        let line = head.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
        let kind = match line {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', status @ ..] => match status {
                [b'2', _, _, ..] => return Ok(()),
                // As if the endpoint had said it.
                [b'4', b'2', b'9', ..] | [b'5', b'0', b'2'..=b'4', ..] => SendErrorKind::Other,
                _ => SendErrorKind::NoTunnel,
            },
            _ => SendErrorKind::Other,
        };
        Err(self.failed(kind, &shown_latin1(line)))
    }

    fn question(&self) -> String {
        let to = &self.to;
        let authorization = match &self.authorization {
            Some(authorization) => format!("Proxy-Authorization: {authorization}\r\n"),
            None => String::new(),
        };
        let connection = if self.keeps_alive { "Proxy-Connection: keep-alive\r\n" } else { "" };
        format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}{connection}\r\n")
    }

    fn lost(&self, error: &io::Error, writing: bool) -> SendError {
        match errno::errno(error) {
            Some(errno) => failure::lost(errno, writing),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.failed(SendErrorKind::Other, "socket hang up")
            }
            None => self.failed(SendErrorKind::Other, &error.to_string()),
        }
    }

    fn failed(&self, kind: SendErrorKind, why: &str) -> SendError {
        let message = format!("no tunnel to {} {}: {why}", self.to, self.through);
        SendError::new(kind, message).with_code("ERR_PROXY_TUNNEL")
    }
}

async fn write(socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        socket.writable().await?;
        match socket.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether another answer follows, as after 103 Early Hints. After 101 another protocol would, which nobody has asked for.
fn is_interim(head: &[u8]) -> bool {
    let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(1..5));
    status.is_some_and(|status| status.starts_with(b" 1") && status != b" 101")
}

/// Whether bytes can still be the beginning of an answer.
fn begins_as_http(head: &[u8]) -> bool {
    let both = HTTP.len().min(head.len());
    head.get(..both) == HTTP.get(..both)
}

/// Everything up to the empty line, or as much as shows that it is no HTTP: who speaks another protocol may wait for us.
/// What lies behind it belongs to the other end of the tunnel, so it stays in the socket.
async fn read_head(socket: &TcpStream, room: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut seen = [0; 512];
    while head.len() < room {
        let known = socket.peek(&mut seen).await?;
        if known == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut taken = 0;
        let mut is_over = false;
        for &byte in seen.get(..known).unwrap_or_default() {
            head.push(byte);
            taken += 1;
            is_over = head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n");
            if is_over {
                break;
            }
        }
        let mut left = taken;
        while left > 0 {
            let most = seen.get_mut(..left).unwrap_or_default();
            match socket.try_read(most) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => left -= read.min(left),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.readable().await?
                }
                Err(error) => return Err(error),
            }
        }
        if is_over || !begins_as_http(&head) {
            return Ok(head);
        }
    }
    Err(io::Error::other("its answer does not end"))
}
