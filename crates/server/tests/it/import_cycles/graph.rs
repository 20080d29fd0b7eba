//! Which file of a crate depends on which, and the cycles among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::source::{Import, Source};

/// A module that is a file, as the names that lead to it from the crate's root.
type Module = Vec<String>;

/// How many re-exports a name may pass through.
const LONGEST_CHAIN: usize = 16;

/// The files of one crate. The root, `lib.rs` or `main.rs`, is the module without a name.
pub(super) struct Crate {
    files: BTreeMap<Module, Source>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    File(Module),
    ItemOf(Module),
}

impl Crate {
    /// Files by their path below `src`, such as `("engine/mod.rs", "pub fn run() {}")`.
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

    /// The cycles, each as the names of its files: sets of files of which each reaches each other.
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

    /// Files on which `module` depends. A re-export is a name, not a use, unless the file uses the
    /// name itself.
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

    /// The path from the crate's root, or `None` for what lies outside of the crate.
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
            _ if depth > LONGEST_CHAIN => None,
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

    /// The file in which the end of an absolute path is defined, through re-exports.
    fn follow(&self, path: &[String], depth: usize) -> Option<Target> {
        let size = (0..=path.len())
            .rev()
            .find(|size| self.files.contains_key(&path[..*size]))?;
        let (module, rest) = (path[..size].to_vec(), &path[size..]);
        let Some((name, rest)) = rest.split_first() else {
            return Some(Target::File(module));
        };
        let source = self.files.get(&module)?;
        if depth > LONGEST_CHAIN || source.defined.contains(name) {
            return Some(Target::ItemOf(module));
        }
        let imports = source.imports.iter();
        let named = imports
            .clone()
            .filter(|import| import.name == *name)
            .find_map(|import| {
                let path = self.absolute(&module, &import.scope, &import.path, 0)?;
                self.follow(&[path.as_slice(), rest].concat(), depth + 1)
            });
        let globbed = || {
            imports
                .filter(|import| import.name == "*")
                .find_map(|import| {
                    let mut path = self.absolute(
                        &module,
                        &import.scope,
                        &import.path[..import.path.len() - 1],
                        0,
                    )?;
                    path.push(name.clone());
                    let Some(Target::ItemOf(file)) = self.follow(&path, depth + 1) else {
                        return None;
                    };
                    self.files
                        .get(&file)?
                        .defined
                        .contains(name)
                        .then_some(Target::ItemOf(file))
                })
        };
        named.or_else(globbed).or(Some(Target::ItemOf(module)))
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
