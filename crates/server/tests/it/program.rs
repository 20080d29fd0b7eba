//! Starts the real binary for a test, with an empty environment and free ports. The process ends
//! with the test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Default encryption key of tests: 32 bytes in base64.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Maximum time to wait for output. Far longer than any start, so that only a hanging process
/// fails.
const OUTPUT_TIMEOUT: Duration = Duration::from_mins(2);

/// A running `evergrant dev` or `evergrant serve` on free ports.
pub(crate) struct Program {
    process: Process,
    output: Arc<Output>,
    addresses: Addresses,
    api_key: String,
    _folder: Folder,
}

#[derive(Default)]
struct Addresses {
    url: String,
    admin_url: String,
    sandbox_url: String,
}

impl Program {
    /// Starts `evergrant dev` with these arguments, on a data folder that is deleted with the test.
    pub(crate) fn dev(args: &[&str]) -> Self {
        let folder = Folder::new();
        let data = folder.path().join("data");
        Self::dev_with(folder, &data, args, &[])
    }

    /// Starts `evergrant dev` on the data folder `data`, which is kept.
    pub(crate) fn dev_in(data: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::dev_with(Folder::new(), data, args, env)
    }

    /// Starts `evergrant dev --ephemeral`, with `temporary` as the folder for temporary files.
    pub(crate) fn ephemeral(temporary: &Folder) -> Self {
        let folder = Folder::new();
        let mut command = evergrant(folder.path());
        command
            .args(["dev", "--ephemeral"])
            .env("TMPDIR", temporary.path());
        Self::start_dev(command, folder)
    }

    fn dev_with(folder: Folder, data: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = evergrant(folder.path());
        command
            .args(["dev", "--data"])
            .arg(data)
            .args(args)
            .envs(env.iter().copied());
        Self::start_dev(command, folder)
    }

    fn start_dev(mut command: Command, folder: Folder) -> Self {
        command.args(["--listen", "127.0.0.1:0"]);
        command
            .env("EVERGRANT_SANDBOX_LISTEN", "127.0.0.1:0")
            .env("EVERGRANT_ADMIN_LISTEN", "127.0.0.1:0");
        let (process, output) = start(command);
        let text = output.wait_for("the `try` line", |text| {
            text.contains("\n  try ").then(|| text.to_owned())
        });
        let url = |label: &str| word_after(&text, label);
        let addresses = Addresses {
            url: url("console"),
            admin_url: url("health"),
            sandbox_url: url("sandbox"),
        };
        let api_key = text
            .split_whitespace()
            .find(|word| word.starts_with("evg_"))
            .expect("an API key is printed")
            .to_owned();
        Self {
            process,
            output,
            addresses,
            api_key,
            _folder: folder,
        }
    }

    /// Starts `evergrant serve` with these settings. Defaults: free ports, and [`KEY`].
    pub(crate) fn serve(env: &[(&str, &str)]) -> Self {
        Self::start_serve(env, evergrant)
    }

    /// Starts `evergrant serve` with at most `max_files` open files.
    pub(crate) fn serve_with_files(max_files: u32, env: &[(&str, &str)]) -> Self {
        Self::start_serve(env, |folder| {
            let mut command = Command::new("sh");
            let script = format!("ulimit -n {max_files} && exec \"$0\" \"$@\"");
            command.args(["-c", script.as_str(), env!("CARGO_BIN_EXE_evergrant")]);
            command.env_clear().current_dir(folder).stdin(Stdio::null());
            command
        })
    }

    fn start_serve(env: &[(&str, &str)], command_in: impl FnOnce(&Path) -> Command) -> Self {
        let folder = Folder::new();
        let created = run_in(
            folder.path(),
            &["api-key", "create", "--name", "test"],
            &with_defaults(env),
            "",
        );
        assert!(created.status.success(), "{}", created.stderr);
        let mut command = command_in(folder.path());
        command.arg("serve").envs(with_defaults(env));
        let (process, output) = start(command);
        let addresses = output.wait_for("the line with the addresses", logged_addresses);
        Self {
            process,
            output,
            addresses,
            api_key: created.stdout.trim().to_owned(),
            _folder: folder,
        }
    }

    /// Returns the base URL of the public routes, without a trailing slash.
    pub(crate) fn url(&self) -> &str {
        &self.addresses.url
    }

    /// Returns the base URL of the private routes; empty if they are switched off.
    pub(crate) fn admin_url(&self) -> &str {
        &self.addresses.admin_url
    }

    /// Returns the base URL of the sandbox; empty for `serve`.
    pub(crate) fn sandbox_url(&self) -> &str {
        &self.addresses.sandbox_url
    }

    /// Returns an API key with the default scopes.
    pub(crate) fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Returns what the process has written to standard output and standard error.
    pub(crate) fn output(&self) -> String {
        self.output.text()
    }

    /// Waits until the process has written `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        self.output
            .wait_for(text, |output| output.contains(text).then_some(()));
    }

    /// Waits until the process exits.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.0.wait().expect("the process exits")
    }

    /// Sends SIGTERM, as a service manager does, and waits until the process exits.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Kills the process.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Sets the size in bytes beyond which this process cannot write to a file. `None`: no limit.
    pub(crate) fn limit_file_size(&self, bytes: Option<u64>) {
        let pid = Pid::from_child(&self.process.0);
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(pid), Resource::Fsize, limit).expect("the limit is set");
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Sends the signal with this name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.process.0.id().to_string())
            .status();
        assert!(sent.expect("kill runs").success());
    }
}

/// A child process that is killed when this value is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if the process has exited. It must be waited for in any case.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The exit status and output of a command.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command in an empty folder, with `input` on its standard input.
pub(crate) fn run(args: &[&str], env: &[(&str, &str)], input: &str) -> Finished {
    run_in(Folder::new().path(), args, env, input)
}

/// Runs a command in `folder`, with `input` on its standard input.
pub(crate) fn run_in(folder: &Path, args: &[&str], env: &[(&str, &str)], input: &str) -> Finished {
    let mut command = evergrant(folder);
    command.args(args).envs(env.iter().copied());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // Fails if the command exits without reading its input.
    let _ = child
        .stdin
        .take()
        .expect("stdin is a pipe")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program exits");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    Finished {
        status: output.status,
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A temporary folder that is deleted when this value is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let path =
            std::env::temp_dir().join(format!("evergrant-program-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder is created");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns a command that runs the binary in `folder` with an empty environment.
fn evergrant(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evergrant"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

fn with_defaults<'a>(env: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let defaults = [
        ("EVERGRANT_LISTEN", "127.0.0.1:0"),
        ("EVERGRANT_ADMIN_LISTEN", "127.0.0.1:0"),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    let missing = defaults
        .into_iter()
        .filter(|(name, _)| env.iter().all(|(set, _)| set != name));
    env.iter().copied().chain(missing).collect()
}

fn start(mut command: Command) -> (Process, Arc<Output>) {
    let spawned = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut process = Process(spawned.expect("the program starts"));
    let output = Arc::new(Output::default());
    output.collect(process.0.stdout.take().expect("stdout is a pipe"));
    output.collect(process.0.stderr.take().expect("stderr is a pipe"));
    (process, output)
}

/// Returns the addresses that `serve` logs as JSON once it listens.
fn logged_addresses(text: &str) -> Option<Addresses> {
    let entries = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let fields = entries
        .map(|entry| entry["fields"].clone())
        .find(|fields| fields["listen"].is_string())?;
    let address = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
    Some(Addresses {
        url: address("listen"),
        admin_url: address("admin"),
        sandbox_url: String::new(),
    })
}

/// Returns the second word of the line whose first word is `label`.
fn word_after(text: &str, label: &str) -> String {
    let mut lines = text.lines().map(str::split_whitespace);
    let mut words = lines
        .find(|words| words.clone().next() == Some(label))
        .unwrap_or_else(|| "".split_whitespace());
    words.nth(1).unwrap_or_default().to_owned()
}

/// The collected standard output and standard error of a process.
#[derive(Default)]
struct Output {
    state: Mutex<OutputState>,
    changed: Condvar,
}

#[derive(Default)]
struct OutputState {
    text: String,
    /// Number of pipes, of two, that the process has closed.
    closed_pipes: u8,
}

impl Output {
    /// Reads `pipe` to its end on a thread, so that the process never blocks on writing.
    fn collect(self: &Arc<Self>, pipe: impl std::io::Read + Send + 'static) {
        let output = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                output
                    .state
                    .lock()
                    .unwrap()
                    .text
                    .extend([line.as_str(), "\n"]);
                output.changed.notify_all();
            }
            output.state.lock().unwrap().closed_pipes += 1;
            output.changed.notify_all();
        });
    }

    fn text(&self) -> String {
        self.state.lock().unwrap().text.clone()
    }

    /// Waits until `find` returns a value for the output. If the process exits first, the test
    /// fails and shows the output.
    fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let state = self.state.lock().unwrap();
        let is_waiting =
            |state: &mut OutputState| find(&state.text).is_none() && state.closed_pipes < 2;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, OUTPUT_TIMEOUT, is_waiting)
            .unwrap();
        find(&state.text)
            .unwrap_or_else(|| panic!("the program did not print {what}:\n{}", state.text))
    }
}
