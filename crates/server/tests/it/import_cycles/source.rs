//! The imports, names and definitions of one source file, read from its tokens.
//!
//! Comments, literals and items under `#[cfg(test)]` are ignored.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A `use` of one name: `use a::{b as c}` has the path `a::b` and the name `c`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// Module that contains the import. In an inline module, it differs from the file's module.
    pub(super) scope: Vec<String>,
    pub(super) path: Vec<String>,
    /// Name in scope; `*` for a glob import.
    pub(super) name: String,
    /// Whether the name is visible outside its module, so that the import may be a re-export only.
    pub(super) is_public: bool,
}

/// The facts of one file that decide which files it depends on.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) imports: Vec<Import>,
    /// Paths of two or more segments outside of `use`, each after the module that contains it.
    pub(super) paths: Vec<(Vec<String>, Vec<String>)>,
    /// Every identifier outside of `use`.
    pub(super) names: HashSet<String>,
    pub(super) defined: HashSet<String>,
    /// Modules in files of their own: `mod name;`.
    pub(super) children: HashSet<String>,
    /// Modules in files of their own under `#[cfg(test)]`.
    pub(super) test_children: HashSet<String>,
}

/// Keywords that are followed by the name of the item that they define.
const DEFINING: [&str; 9] = [
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "macro_rules",
];

impl Source {
    /// Reads the file `text` of `module`, such as `["engine", "token"]`.
    pub(super) fn read(text: &str, module: &[String]) -> Self {
        let mut tokens = Vec::new();
        flatten(text.parse().unwrap(), &mut tokens);
        let mut source = Self::default();
        source.scan(&tokens, module);
        source
    }

    fn scan(&mut self, mut tokens: &[String], scope: &[String]) {
        let mut was_public = false;
        while let [first, rest @ ..] = tokens {
            let size = match first.as_str() {
                "#" if is_test_attribute(rest) => self.skip_test_item(rest),
                "mod" if !rest.is_empty() => self.module(rest, scope),
                "use" if rest.first().is_some_and(|next| next != "<") => {
                    self.imports(rest, scope, was_public)
                }
                "pub" => {
                    was_public = true;
                    tokens = rest;
                    continue;
                }
                _ => self.name_or_path(tokens, scope),
            };
            // `pub(crate)` and `pub(in path)`: the parentheses belong to the visibility.
            was_public = was_public && first == "(";
            tokens = if was_public {
                &tokens[group_end(tokens)..]
            } else {
                &tokens[size..]
            };
        }
    }

    /// Reads a `mod` item. `rest` starts with its name. Returns the number of tokens.
    fn module(&mut self, rest: &[String], scope: &[String]) -> usize {
        let name = rest[0].clone();
        self.defined.insert(name.clone());
        if rest.get(1).is_some_and(|token| token == "{") {
            let end = 1 + group_end(&rest[1..]);
            let inner: Vec<_> = scope.iter().cloned().chain([name]).collect();
            self.scan(&rest[2..end - 1], &inner);
            return 1 + end;
        }
        self.children.insert(name);
        2
    }

    /// Reads a `use` declaration. `rest` starts with its tree. Returns the number of tokens.
    fn imports(&mut self, rest: &[String], scope: &[String], is_public: bool) -> usize {
        let end = rest.iter().position(|token| token == ";").unwrap();
        let mut leaves = Vec::new();
        expand(&rest[..end], &[], &mut leaves);
        let imports = leaves.into_iter().map(|(path, name)| Import {
            scope: scope.to_vec(),
            path,
            name,
            is_public,
        });
        self.imports.extend(imports);
        end + 2
    }

    /// Reads a path or another token. Returns the number of tokens.
    fn name_or_path(&mut self, tokens: &[String], scope: &[String]) -> usize {
        if !is_identifier(&tokens[0]) {
            return 1;
        }
        if let [keyword, name, ..] = tokens
            && DEFINING.contains(&keyword.as_str())
        {
            let name = if name == "!" {
                tokens.get(2)
            } else {
                Some(name)
            };
            self.defined.extend(name.cloned());
        }
        let mut path = vec![tokens[0].clone()];
        while let Some([colons, next]) = tokens.get(path.len() * 2 - 1..=path.len() * 2)
            && colons == "::"
            && is_identifier(next)
        {
            path.push(next.clone());
        }
        self.names.extend(path.iter().cloned());
        let size = path.len() * 2 - 1;
        if path.len() > 1 {
            self.paths.push((scope.to_vec(), path));
        }
        size
    }

    /// Skips an item with the attribute `cfg(test)`, which `rest` starts with. Returns the number
    /// of tokens.
    fn skip_test_item(&mut self, rest: &[String]) -> usize {
        let mut at = group_end(rest);
        while rest.get(at).is_some_and(|token| token == "#") {
            at += 1 + group_end(&rest[at + 1..]);
        }
        if let Some([keyword, name, end]) = rest.get(at..at + 3)
            && keyword == "mod"
            && end == ";"
        {
            self.test_children.insert(name.clone());
        }
        let is_use = rest[at..]
            .iter()
            .take_while(|token| *token != "{")
            .any(|token| token == "use");
        while let Some(token) = rest.get(at) {
            match token.as_str() {
                ";" => return at + 2,
                "{" if !is_use => return at + 1 + group_end(&rest[at..]),
                "{" | "(" | "[" => at += group_end(&rest[at..]),
                "}" | ")" | "]" => return at + 1,
                _ => at += 1,
            }
        }
        at + 1
    }
}

/// Appends the tokens as strings. Groups become their delimiters and content, literals are empty.
fn flatten(stream: TokenStream, tokens: &mut Vec<String>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Group(group) => {
                let [open, close] = match group.delimiter() {
                    Delimiter::Brace => ["{", "}"],
                    Delimiter::Bracket => ["[", "]"],
                    Delimiter::Parenthesis | Delimiter::None => ["(", ")"],
                };
                tokens.push(open.to_owned());
                flatten(group.stream(), tokens);
                tokens.push(close.to_owned());
            }
            TokenTree::Ident(name) => tokens.push(name.to_string()),
            TokenTree::Literal(_) => tokens.push(String::new()),
            TokenTree::Punct(punct) => {
                let is_colons = punct.as_char() == ':'
                    && punct.spacing() == Spacing::Joint
                    && trees.next_if(|next| next.to_string() == ":").is_some();
                tokens.push(if is_colons {
                    "::".to_owned()
                } else {
                    punct.to_string()
                });
            }
        }
    }
}

/// Appends every name that a use tree brings into scope, each after its path.
fn expand(tree: &[String], before: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    if let Some(open) = tree.iter().position(|token| token == "{") {
        let prefix = join_path(before, &tree[..open]);
        return expand_group(&tree[open + 1..], &prefix, leaves);
    }
    let renamed = tree.iter().position(|token| token == "as");
    let tail = &tree[..renamed.unwrap_or(tree.len())];
    let mut path = join_path(before, tail);
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = renamed
        .and_then(|at| tree.get(at + 1))
        .or(path.last())
        .cloned();
    if let (false, Some(name)) = (tail.is_empty(), name) {
        leaves.push((path, name));
    }
}

/// Expands each tree of a group. `group` is its content and the closing brace.
fn expand_group(group: &[String], prefix: &[String], leaves: &mut Vec<(Vec<String>, String)>) {
    let (mut from, mut at) = (0, 0);
    while at < group.len() {
        match group[at].as_str() {
            "{" => at += group_end(&group[at..]),
            "," | "}" => {
                expand(&group[from..at], prefix, leaves);
                at += 1;
                from = at;
            }
            _ => at += 1,
        }
    }
}

fn join_path(before: &[String], tail: &[String]) -> Vec<String> {
    let segments = before.iter().chain(tail).filter(|token| *token != "::");
    segments.cloned().collect()
}

/// Returns the number of tokens of the group that `tokens` starts with.
fn group_end(tokens: &[String]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Returns whether `rest`, the tokens after a `#`, start with `[cfg(test)]` or another `cfg` that
/// requires `test`.
fn is_test_attribute(rest: &[String]) -> bool {
    let attribute = &rest[..if rest.is_empty() { 0 } else { group_end(rest) }];
    let has = |name: &str| attribute.iter().any(|token| token == name);
    attribute.get(1).is_some_and(|name| name == "cfg") && has("test") && !has("not") && !has("any")
}

fn is_identifier(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}
