//! The dependencies between the files of a crate, and their cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::source::{Import, Source};

/// The path of a module that is a file, from the root of the crate.
type Module = Vec<String>;

/// Maximum number of re-exports that are followed for one name.
const MAX_REEXPORTS: usize = 16;

/// The files of one crate. The root, `lib.rs` or `main.rs`, has the empty path.
pub(super) struct Crate {
    files: BTreeMap<Module, Source>,
}

/// What a path refers to.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    File(Module),
    ItemOf(Module),
}

impl Crate {
    /// Creates a crate from files, each a path below `src` and a text, such as
    /// `("engine/mod.rs", "pub fn run() {}")`.
    pub(super) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let read = |(path, text)| {
            let module = module_of(path);
            let source = Source::read(text, &module);
            (module, source)
        };
        let mut files: BTreeMap<_, _> = files.into_iter().map(read).collect();
        let child = |parent: &Module, name: &String| {
            parent.iter().chain([name]).cloned().collect::<Module>()
        };
        let tests: Vec<_> = files
            .iter()
            .flat_map(|(module, source)| {
                source.test_children.iter().map(|name| child(module, name))
            })
            .collect();
        files.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        Self { files }
    }

    /// Reads every file below `src`.
    pub(super) fn read(src: &Path) -> Self {
        let texts: Vec<_> = crate::layers::sources(src)
            .into_iter()
            .map(|file| {
                let text = std::fs::read_to_string(&file).unwrap();
                (
                    file.strip_prefix(src).unwrap().to_str().unwrap().to_owned(),
                    text,
                )
            })
            .collect();
        Self::new(
            texts
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str())),
        )
    }

    /// Returns the number of dependencies between files.
    pub(super) fn imports(&self) -> usize {
        let files = self.files.keys();
        files.map(|module| self.used_by(module).len()).sum()
    }

    /// Returns the cycles, each as the names of its files: sets of files that all depend on each
    /// other, directly or indirectly.
    pub(super) fn cycles(&self) -> Vec<Vec<String>> {
        let edges: BTreeMap<_, _> = self
            .files
            .keys()
            .map(|module| (module, self.used_by(module)))
            .collect();
        let reached: BTreeMap<_, _> = edges
            .keys()
            .map(|module| (*module, reachable(module, &edges)))
            .collect();
        let mut found = BTreeSet::new();
        for (module, others) in reached
            .iter()
            .filter(|(module, others)| others.contains(**module))
        {
            let cycle = others.iter().filter(|other| {
                reached
                    .get(*other)
                    .is_some_and(|back| back.contains(*module))
            });
            found.insert(cycle.map(name_of).collect::<Vec<_>>());
        }
        found.into_iter().collect()
    }

    /// Returns the files that `module` depends on. A re-export counts only if the file also uses
    /// the name itself.
    fn used_by(&self, module: &Module) -> BTreeSet<Module> {
        let Some(source) = self.files.get(module) else {
            return BTreeSet::new();
        };
        let is_used = |import: &&Import| !import.is_public || source.names.contains(&import.name);
        let imported = source.imports.iter().filter(is_used).filter_map(|import| {
            match self.follow(&self.absolute(module, &import.scope, &import.path, 0)?, 0)? {
                Target::File(file) => (import.name == "*").then_some(file),
                Target::ItemOf(file) => Some(file),
            }
        });
        let named = source.paths.iter().filter_map(|(scope, path)| {
            match self.follow(&self.absolute(module, scope, path, 0)?, 0)? {
                Target::File(file) | Target::ItemOf(file) => Some(file),
            }
        });
        imported
            .chain(named)
            .filter(|file| file != module)
            .collect()
    }

    /// Returns the path from the root of the crate; `None` if it is outside of the crate.
    fn absolute(
        &self,
        module: &Module,
        scope: &[String],
        path: &[String],
        depth: usize,
    ) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let join = |base: &[String]| Some(base.iter().chain(rest).cloned().collect::<Vec<_>>());
        match first.as_str() {
            "crate" => join(&[]),
            "self" => join(scope),
            "super" => {
                let (_, above) = scope.split_last()?;
                let is_plain = rest.first().is_none_or(|next| next != "super");
                if is_plain {
                    join(above)
                } else {
                    self.absolute(module, above, rest, depth)
                }
            }
            _ if depth > MAX_REEXPORTS => None,
            name => {
                let source = self.files.get(module)?;
                if source.children.contains(name) {
                    return Some(module.iter().chain(path).cloned().collect());
                }
                let import = source
                    .imports
                    .iter()
                    .find(|import| import.name == name && import.path != path)?;
                join(&self.absolute(module, &import.scope, &import.path, depth + 1)?)
            }
        }
    }

    /// Returns the file that defines the last segment of an absolute path. Follows re-exports.
    fn follow(&self, path: &[String], depth: usize) -> Option<Target> {
        let size = (0..=path.len())
            .rev()
            .find(|size| self.files.contains_key(&path[..*size]))?;
        let (module, rest) = (path[..size].to_vec(), &path[size..]);
        let Some((name, rest)) = rest.split_first() else {
            return Some(Target::File(module));
        };
        let source = self.files.get(&module)?;
        if depth > MAX_REEXPORTS || source.defined.contains(name) {
            return Some(Target::ItemOf(module));
        }
        let by_name = source
            .imports
            .iter()
            .filter(|import| import.name == *name)
            .find_map(|import| {
                let path = self.absolute(&module, &import.scope, &import.path, 0)?;
                self.follow(&[path.as_slice(), rest].concat(), depth + 1)
            });
        by_name
            .or_else(|| self.follow_globs(&module, source, name, depth))
            .or(Some(Target::ItemOf(module)))
    }

    /// Returns the file that defines `name`, if a glob import of `module` brings it into scope.
    fn follow_globs(
        &self,
        module: &Module,
        source: &Source,
        name: &str,
        depth: usize,
    ) -> Option<Target> {
        let mut globs = source.imports.iter().filter(|import| import.name == "*");
        globs.find_map(|import| {
            let (_, parent) = import.path.split_last()?;
            let mut path = self.absolute(module, &import.scope, parent, 0)?;
            path.push(name.to_owned());
            let Some(Target::ItemOf(file)) = self.follow(&path, depth + 1) else {
                return None;
            };
            let is_defined = self.files.get(&file)?.defined.contains(name);
            is_defined.then_some(Target::ItemOf(file))
        })
    }
}

fn reachable(from: &Module, edges: &BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<_> = edges.get(from).into_iter().flatten().cloned().collect();
    while let Some(module) = open.pop() {
        open.extend(
            edges
                .get(&module)
                .into_iter()
                .flatten()
                .filter(|next| !reached.contains(*next))
                .cloned(),
        );
        reached.insert(module);
    }
    reached
}

fn module_of(path: &str) -> Module {
    let mut module: Module = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    let is_root = path == "lib.rs" || path == "main.rs";
    if is_root || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

fn name_of(module: &Module) -> String {
    if module.is_empty() {
        "the root".to_owned()
    } else {
        module.join("::")
    }
}
