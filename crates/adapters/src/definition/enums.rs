//! The enumerated values of a definition.

use evergrant_model::string_enum;

string_enum! {
    /// How the client authenticates at the token endpoint (RFC 6749 §2.3.1).
    #[derive(Default)]
    pub(crate) enum ClientAuth: Deserialize {
        /// With HTTP Basic in the `Authorization` header.
        #[default]
        Basic = "basic",
        /// With the id and the secret as parameters.
        Post = "post",
        /// Without a secret: a public client sends only its id, as a parameter.
        None = "none",
    }
}

string_enum! {
    /// How parameters are sent to the token endpoint.
    #[derive(Default)]
    pub(crate) enum TokenRequest: Deserialize {
        /// POST with a URL-encoded form.
        #[default]
        Form = "form",
        /// POST with `multipart/form-data`.
        Multipart = "multipart",
        /// GET with a query.
        Query = "query",
    }
}

string_enum! {
    /// Where an API request carries the access token.
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
    /// The error codes that a provider uses.
    #[derive(Default)]
    pub(crate) enum ErrorCodes: Deserialize {
        /// The codes of the OAuth standards.
        #[default]
        OAuth = "oauth",
        /// The error numbers of Meta's Graph API.
        Graph = "graph",
    }
}

string_enum! {
    /// A part of the client credentials that an access-token exchange sends.
    pub(crate) enum ClientPart: Deserialize {
        Id = "id",
        Secret = "secret",
    }
}

string_enum! {
    /// A kind of token.
    pub(crate) enum TokenKind: Deserialize {
        Refresh = "refresh",
        Access = "access",
    }
}

string_enum! {
    /// A kind of call to a provider.
    pub(crate) enum CallKind: Deserialize {
        Exchange = "exchange",
        Refresh = "refresh",
        Profile = "profile",
        Revoke = "revoke",
    }
}

string_enum! {
    /// The type that a fact must have to be kept.
    pub(crate) enum FactKind: Deserialize {
        Text = "text",
        Integer = "integer",
        Number = "number",
        Boolean = "boolean",
    }
}
