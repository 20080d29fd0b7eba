//! The operator's settings, and the problems with them.

/// Looks up a setting by name. The program passes its environment variables.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads settings and collects which ones are missing or invalid.
pub(super) struct Settings<'a> {
    lookup: &'a Lookup<'a>,
    missing: Vec<String>,
    invalid: Vec<String>,
}

impl<'a> Settings<'a> {
    pub(super) fn new(lookup: &'a Lookup<'a>) -> Self {
        Self {
            lookup,
            missing: Vec::new(),
            invalid: Vec::new(),
        }
    }

    /// Returns a setting; `None` if it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Returns the value in the definition, or else the setting that the definition names. A named
    /// setting that is absent is recorded as missing.
    pub(super) fn value(&mut self, plain: Option<&String>, env: Option<&String>) -> Option<String> {
        if plain.is_some() {
            return plain.cloned();
        }
        let name = env?;
        let value = self.get(name);
        if value.is_none() {
            self.missing.push(name.clone());
        }
        value
    }

    /// Records an invalid setting. The message names it and never contains its value.
    pub(super) fn reject(&mut self, message: String) {
        self.invalid.push(message);
    }

    /// Returns whether no setting is missing or invalid so far.
    pub(super) fn are_complete(&self) -> bool {
        self.missing.is_empty() && self.invalid.is_empty()
    }

    /// Returns which settings to add and which to correct; `None` if there are none.
    pub(super) fn problem(&self) -> Option<String> {
        let missing = match self.missing.as_slice() {
            [] => None,
            [only] => Some(format!("set {only}")),
            [first @ .., last] => Some(format!("set {} and {last}", first.join(", "))),
        };
        let parts: Vec<String> = missing
            .into_iter()
            .chain(self.invalid.iter().cloned())
            .collect();
        if parts.is_empty() {
            None
        } else {
            Some(parts.join("; "))
        }
    }
}
