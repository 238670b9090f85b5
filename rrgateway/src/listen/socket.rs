//! Binds a listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel may hold before they are accepted.
const BACKLOG: i32 = 1024;

/// Binds `address`. With `shared`, several sockets may bind the same address, and the kernel
/// spreads connections over them (`SO_REUSEPORT`): one per worker, no lock between them.
///
/// # Errors
/// As the operating system says: the port is taken, or may not be bound.
pub fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
