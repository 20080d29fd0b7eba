//! `/connect/{provider}`: the pages of ours on which a sign-in goes on, and the forms that they
//! send.

pub(crate) mod account_choice;
pub(crate) mod credential_form;
