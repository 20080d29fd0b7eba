//! Evergrant's own pages of a flow, below `/connect/{provider}`, and the forms that they post.

pub(crate) mod account_choice;
pub(crate) mod credential_form;
