//! The operator's settings, and what is missing or wrong in them.

/// The operator's settings by name; the program passes its environment.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads settings and collects what stands in the way.
pub(super) struct Settings<'a> {
    lookup: &'a Lookup<'a>,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl<'a> Settings<'a> {
    pub(super) fn new(lookup: &'a Lookup<'a>) -> Self {
        Self {
            lookup,
            missing: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// A setting that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// What the definition says, else what the setting that it names says; a named setting that is
    /// absent is recorded.
    pub(super) fn value(&mut self, plain: Option<&String>, env: Option<&String>) -> Option<String> {
        if plain.is_some() {
            return plain.cloned();
        }
        let name = env?;
        let found = self.get(name);
        if found.is_none() {
            self.missing.push(name.clone());
        }
        found
    }

    /// Records what is wrong with a setting. Names it and never its value.
    pub(super) fn reject(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Whether nothing is missing or wrong so far.
    pub(super) fn are_complete(&self) -> bool {
        self.missing.is_empty() && self.wrong.is_empty()
    }

    /// What to set and what to correct; `None` where nothing is.
    pub(super) fn problem(&self) -> Option<String> {
        let missing = match self.missing.as_slice() {
            [] => None,
            [only] => Some(format!("set {only}")),
            [first @ .., last] => Some(format!("set {} and {last}", first.join(", "))),
        };
        let parts: Vec<String> = missing
            .into_iter()
            .chain(self.wrong.iter().cloned())
            .collect();
        if parts.is_empty() {
            None
        } else {
            Some(parts.join("; "))
        }
    }
}
