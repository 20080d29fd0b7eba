//! The real program in a test: started with nothing but what the test gives it, gone when the test
//! ends.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A key for tests that do not bring their own: the base64 of 32 bytes.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Far longer than a start ever takes: a program that hangs fails its test instead of holding up
/// the run.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running `evergrant dev` or `evergrant serve`, listening on ports of its own choice.
pub(crate) struct Program {
    running: Running,
    printed: Arc<Printed>,
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
    /// `evergrant dev` with these further arguments, on a data folder that goes with the test.
    pub(crate) fn dev(args: &[&str]) -> Self {
        let folder = Folder::new();
        let data = folder.path().join("data");
        Self::dev_with(folder, &data, args, &[])
    }

    /// The same on a data folder that stays, for a second run.
    pub(crate) fn dev_in(data: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::dev_with(Folder::new(), data, args, env)
    }

    /// `evergrant dev --ephemeral`, which takes `temporary` for the system's folder of temporary
    /// files.
    pub(crate) fn ephemeral(temporary: &Folder) -> Self {
        let folder = Folder::new();
        let mut command = evergrant(folder.path());
        command
            .args(["dev", "--ephemeral"])
            .env("TMPDIR", temporary.path());
        Self::dev_by(command, folder)
    }

    fn dev_with(folder: Folder, data: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = evergrant(folder.path());
        command
            .args(["dev", "--data"])
            .arg(data)
            .args(args)
            .envs(env.iter().copied());
        Self::dev_by(command, folder)
    }

    fn dev_by(mut command: Command, folder: Folder) -> Self {
        command.args(["--listen", "127.0.0.1:0"]);
        command
            .env("EVERGRANT_SANDBOX_LISTEN", "127.0.0.1:0")
            .env("EVERGRANT_ADMIN_LISTEN", "127.0.0.1:0");
        let (running, printed) = start(command);
        let text = printed.wait_for("the `try` line", |text| {
            text.contains("\n  try ").then(|| text.to_owned())
        });
        let word = |label: &str| word_after(&text, label);
        let addresses = Addresses {
            url: word("console"),
            admin_url: word("health"),
            sandbox_url: word("sandbox"),
        };
        let api_key = text
            .split_whitespace()
            .find(|word| word.starts_with("evg_"))
            .expect("a key")
            .to_owned();
        Self {
            running,
            printed,
            addresses,
            api_key,
            _folder: folder,
        }
    }

    /// `evergrant serve` with these settings; the listeners and the key are set where they are left
    /// out.
    pub(crate) fn serve(env: &[(&str, &str)]) -> Self {
        Self::serve_by(env, evergrant)
    }

    /// The same where the process may open so many files and no more.
    pub(crate) fn serve_with_files(files: u32, env: &[(&str, &str)]) -> Self {
        Self::serve_by(env, |folder| {
            let mut command = Command::new("sh");
            let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
            command.args(["-c", script.as_str(), env!("CARGO_BIN_EXE_evergrant")]);
            command.env_clear().current_dir(folder).stdin(Stdio::null());
            command
        })
    }

    fn serve_by(env: &[(&str, &str)], command_in: impl FnOnce(&Path) -> Command) -> Self {
        let folder = Folder::new();
        let made = run_in(
            folder.path(),
            &["api-key", "create", "--name", "test"],
            &with_defaults(env),
            "",
        );
        assert!(made.status.success(), "{}", made.stderr);
        let mut command = command_in(folder.path());
        command.arg("serve").envs(with_defaults(env));
        let (running, printed) = start(command);
        let addresses = printed.wait_for("the line with the addresses", listening);
        Self {
            running,
            printed,
            addresses,
            api_key: made.stdout.trim().to_owned(),
            _folder: folder,
        }
    }

    /// Base of the public routes, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.addresses.url
    }

    /// Base of the operator's routes; empty where there are none.
    pub(crate) fn admin_url(&self) -> &str {
        &self.addresses.admin_url
    }

    /// Base of the sandbox; empty for `serve`.
    pub(crate) fn sandbox_url(&self) -> &str {
        &self.addresses.sandbox_url
    }

    /// An API key with the usual scopes.
    pub(crate) fn api_key(&self) -> &str {
        &self.api_key
    }

    /// All that the program has printed and logged so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.text()
    }

    /// Waits until the program has printed or logged this.
    pub(crate) fn wait_for(&self, text: &str) {
        self.printed
            .wait_for(text, |printed| printed.contains(text).then_some(()));
    }

    /// Waits until the program has ended.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.running
            .0
            .wait()
            .expect("the program can be waited for")
    }

    /// Asks the program to end, as a service manager would, and waits until it has.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Ends the program at once, as a power cut would.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.running.0.id().to_string())
            .status();
        assert!(sent.expect("kill runs").success());
    }
}

/// A process that never outlives its test, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails where the program has ended already; then there is only the zombie to collect.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a command that ended left behind.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs one command to its end in an empty folder, with `input` on its standard input.
pub(crate) fn run(args: &[&str], env: &[(&str, &str)], input: &str) -> Ended {
    run_in(Folder::new().path(), args, env, input)
}

/// The same in a folder of the test's choice.
pub(crate) fn run_in(folder: &Path, args: &[&str], env: &[(&str, &str)], input: &str) -> Ended {
    let mut command = evergrant(folder);
    command.args(args).envs(env.iter().copied());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A command that does not read its input closes it; that is no fault.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ended {
        status: output.status,
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let path =
            std::env::temp_dir().join(format!("evergrant-program-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
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

/// The program in `folder`, with an empty environment.
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
        .filter(|(name, _)| env.iter().all(|(given, _)| given != name));
    env.iter().copied().chain(missing).collect()
}

fn start(mut command: Command) -> (Running, Arc<Printed>) {
    let spawned = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(spawned.expect("the program starts"));
    let printed = Arc::new(Printed::default());
    printed.collect(running.0.stdout.take().expect("a pipe"));
    printed.collect(running.0.stderr.take().expect("a pipe"));
    (running, printed)
}

/// The line of `serve` with its addresses, in the JSON log.
fn listening(text: &str) -> Option<Addresses> {
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

/// The second word of the line that begins with `label`.
fn word_after(text: &str, label: &str) -> String {
    let mut lines = text.lines().map(str::split_whitespace);
    let mut words = lines
        .find(|words| words.clone().next() == Some(label))
        .unwrap_or_else(|| "".split_whitespace());
    words.nth(1).unwrap_or_default().to_owned()
}

/// What a program has printed, on both of its outputs.
#[derive(Default)]
struct Printed {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    text: String,
    ended: u8,
}

impl Printed {
    /// Reads `pipe` to its end, so that the program never waits for a reader.
    fn collect(self: &Arc<Self>, pipe: impl std::io::Read + Send + 'static) {
        let printed = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                printed
                    .state
                    .lock()
                    .unwrap()
                    .text
                    .extend([line.as_str(), "\n"]);
                printed.changed.notify_all();
            }
            printed.state.lock().unwrap().ended += 1;
            printed.changed.notify_all();
        });
    }

    fn text(&self) -> String {
        self.state.lock().unwrap().text.clone()
    }

    /// Waits until `find` finds what it looks for. A program that ends before fails the test with
    /// all that it said.
    fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let state = self.state.lock().unwrap();
        let waiting = |state: &mut State| find(&state.text).is_none() && state.ended < 2;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, PATIENCE, waiting)
            .unwrap();
        find(&state.text)
            .unwrap_or_else(|| panic!("the program did not print {what}:\n{}", state.text))
    }
}
