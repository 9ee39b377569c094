//! As much of HTTP/1.1 as the clients need: requests, and where an answer ends.

use bess_benches::Fault;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A request for `path` over a connection that is kept.
pub(crate) fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// The end of a head, and the length of the body.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    // The heads of both servers are shorter.
    let text = &bytes[..bytes.len().min(1024)];
    let end = text.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let name = b"content-length: ";
    let at = text[..end].windows(name.len()).position(|window| window == name)? + name.len();
    let digits = text[at..end].iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    Some((end, length))
}

/// The length of the first answer, and whether its status is 200.
pub(crate) fn answer(bytes: &[u8]) -> Option<(usize, bool)> {
    let (end, length) = head(bytes)?;
    let whole = end + length;
    (bytes.len() >= whole).then(|| (whole, bytes.starts_with(b"HTTP/1.1 200 ")))
}

/// What a server answers: its headers but for those that HTTP itself makes, and the body.
pub(crate) type Fetched = (Vec<(String, String)>, Vec<u8>);

/// Reads `path` once.
pub(crate) fn fetch(address: SocketAddr, path: &str) -> Result<Fetched, Fault> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&request(path))?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let (end, length) = loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err("the server closed the connection".into());
        }
        bytes.extend_from_slice(&buffer[..n]);
        if let Some((_, is_fine)) = answer(&bytes) {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            break head(&bytes).filter(|_| is_fine).ok_or(text)?;
        }
    };
    let text = std::str::from_utf8(&bytes[..end])?;
    let made_by_http = ["content-length", "date", "connection"];
    let headers = text.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.filter(|(name, _)| !made_by_http.contains(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok((headers, bytes[end..end + length].to_vec()))
}
