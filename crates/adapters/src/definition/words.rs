//! The words that a definition chooses among.

use evergrant_model::string_enum;

string_enum! {
    /// How we prove to the platform which client we are (RFC 6749 §2.3.1).
    #[derive(Default)]
    pub(crate) enum ClientAuth: Deserialize {
        /// In the `Authorization` header.
        #[default]
        Basic = "basic",
        /// In the form.
        Post = "post",
        /// Not at all: a public client names itself in the form.
        None = "none",
    }
}

string_enum! {
    /// How the token endpoint takes its parameters.
    #[derive(Default)]
    pub(crate) enum TokenRequest: Deserialize {
        /// Posted as a form.
        #[default]
        Form = "form",
        /// Posted as `multipart/form-data`.
        Multipart = "multipart",
        /// Got with a query.
        Query = "query",
    }
}

string_enum! {
    /// Where an access token stands in a call that uses it.
    #[derive(Default)]
    pub(crate) enum AccessTokenIn: Deserialize {
        /// In the `Authorization` header (RFC 6750 §2.1).
        #[default]
        Header = "header",
        /// In the query (RFC 6750 §2.3).
        Query = "query",
    }
}

string_enum! {
    /// Whose error codes the platform speaks.
    #[derive(Default)]
    pub(crate) enum ErrorCodes: Deserialize {
        /// Those of the OAuth standards.
        #[default]
        OAuth = "oauth",
        /// The numbers of Meta's Graph API.
        Graph = "graph",
    }
}

string_enum! {
    /// A half of our registration that is sent along.
    pub(crate) enum ClientPart: Deserialize {
        Id = "id",
        Secret = "secret",
    }
}

string_enum! {
    /// Which of a grant's tokens.
    pub(crate) enum TokenKind: Deserialize {
        Refresh = "refresh",
        Access = "access",
    }
}

string_enum! {
    /// Which of our four kinds of call.
    pub(crate) enum CallKind: Deserialize {
        Exchange = "exchange",
        Refresh = "refresh",
        Profile = "profile",
        Revoke = "revoke",
    }
}

string_enum! {
    /// What a fact must be to be kept.
    pub(crate) enum FactKind: Deserialize {
        Text = "text",
        Integer = "integer",
        Number = "number",
        Boolean = "boolean",
    }
}
