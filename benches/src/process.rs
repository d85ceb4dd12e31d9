//! What processes used, read from `/proc` (proc(5)).

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::Outcome;

/// CPU time of a process, without that of its children.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    Ok(stat(pid)?.own)
}

/// CPU time of a process and all of its children, living or ended.
pub(crate) fn cpu_of_family(pid: u32) -> Outcome<Duration> {
    let parent = stat(pid)?;
    let mut sum = parent.own + parent.buried;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // it may end while it is looked at
        if let Ok(child) = stat(child)
            && child.parent == pid
        {
            sum += child.own + child.buried;
        }
    }
    Ok(sum)
}

/// Ends every child of this process at once.
pub(crate) fn kill_children() {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Ok(pid) = name.parse()
            && stat(pid).is_ok_and(|stat| stat.parent == std::process::id())
        {
            // it may have ended by itself
            let _ = Command::new("kill").args(["-KILL", &name]).status();
        }
    }
}

struct Stat {
    parent: u32,
    own: Duration,
    buried: Duration,
}

fn stat(pid: u32) -> Outcome<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // the name in parentheses may have blanks and parentheses itself
    let fields: Vec<&str> = text
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    let field = |index: usize| -> Outcome<u64> {
        Ok(fields.get(index).ok_or("a line of /proc is too short")?.parse()?)
    };
    // a tick is a hundredth of a second on every Linux that Rust runs on (USER_HZ)
    let ticks = |first, second| -> Outcome<Duration> {
        Ok(Duration::from_millis(10 * (field(first)? + field(second)?)))
    };
    Ok(Stat { parent: u32::try_from(field(1)?)?, own: ticks(11, 12)?, buried: ticks(13, 14)? })
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Now (`VmRSS`).
    pub(crate) resident: u64,
    /// At most since it began, or since [`forget_peak`] (`VmHWM`).
    pub(crate) peak: u64,
}

/// Memory of a process.
pub(crate) fn memory(pid: u32) -> Outcome<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let of = |name: &str| -> Outcome<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.split_whitespace().next());
        Ok(1024 * kib.ok_or("no such line in /proc")?.parse::<u64>()?)
    };
    Ok(Memory { resident: of("VmRSS:")?, peak: of("VmHWM:")? })
}

/// Sets the peak to what is used now, so that what the start needed does not count.
pub(crate) fn forget_peak(pid: u32) -> Outcome<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

#[cfg(test)]
mod tests {
    use super::{cpu_of_family, memory};

    #[test]
    fn the_own_process_uses_memory_and_time() {
        let own = std::process::id();
        let memory = memory(own).unwrap();
        assert!(memory.resident > 100_000 && memory.peak >= memory.resident);
        let before = cpu_of_family(own).unwrap();
        while cpu_of_family(own).unwrap() == before {}
    }
}
