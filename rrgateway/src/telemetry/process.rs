//! What there is to say of any process, under the names that Prometheus' clients give it.

use std::fmt;
use std::fs;
use std::time::Duration;

use rrcore::Clock;

use crate::telemetry::sheet::{Measured, Sheet};

/// This process.
#[derive(Debug)]
pub(crate) struct Process {
    /// Time since the Unix epoch.
    began: Duration,
}

impl Process {
    /// It begins now.
    pub(crate) fn begun_now() -> Self {
        Self { began: Clock::system().now().wall }
    }
}

impl Measured for Process {
    // What the system does not tell is left out.
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        sheet.gauges("rrgateway_build_info", "1, with the version.", [(version, 1)])?;
        let began = self.began.as_secs();
        sheet.gauge("process_start_time_seconds", "When it began, in Unix time.", began)?;
        if let Some(seconds) = cpu_seconds() {
            sheet.seconds("process_cpu_seconds", "Processor time, of user and system.", seconds)?;
        }
        if let Some(bytes) = resident_bytes() {
            sheet.gauge("process_resident_memory_bytes", "Memory that is in RAM.", bytes)?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // But for the one that is just reading them.
            let open = (open.count() as u64).saturating_sub(1);
            sheet.gauge("process_open_fds", "Files and connections that are open.", open)?;
        }
        if let Some(most) = max_fds() {
            sheet.gauge("process_max_fds", "Files and connections that may be open.", most)?;
        }
        Ok(())
    }
}

// `proc_pid_stat(5)`: behind the name, which may hold anything, the 12th and 13th field.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut ticks = rest.split(' ').skip(11).take(2).map(|it| it.parse::<u32>().ok());
    let ticks = ticks.next()??.saturating_add(ticks.next()??);
    Some(f64::from(ticks) / TICKS)
}

// `proc_pid_limits(5)`: the soft limit stands first.
fn max_fds() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|it| it.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// A second has as many for programs, whatever the kernel's own clock does.
const TICKS: f64 = 100.0;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_of_processor_and_memory() {
        assert!(cpu_seconds().unwrap() >= 0.0);
        assert!(resident_bytes().unwrap() > 1 << 20);
        assert!(max_fds().unwrap() > 2);
    }
}
