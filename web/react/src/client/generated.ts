/** Made by scripts/types.mjs from docs/openapi.json. Do not edit. */

export interface paths {
    "/api/integrations/callback/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The platform sends the browser back.
         * @description Answers 303 to the flow's `redirectUrl` with `integration`, `status=connected` and `accountId`; or `status=error`,
         *     `code` and `correlationId`; or, for a bound flow, `status=pending`, `flowId` and `receipt`. Where the consent of an
         *     unbound flow reached several accounts, a page of ours asks which of them to connect. An unknown or used state gets a
         *     page of ours with status 400 and never a redirect.
         */
        get: operations["callback"];
        put?: never;
        /**
         * The platform posts the browser back, or an app passes on what its own page received.
         * @description A form (`response_mode=form_post`) is answered as the GET is. JSON needs an API key and is answered in JSON.
         */
        post: operations["postCallback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/connect/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins to connect an account. */
        post: operations["connect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/disconnect/{provider}/{accountId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Disconnects an account: its tokens are deleted here, and its grant is ended at the platform as far as that can. */
        delete: operations["disconnect"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The user's connections as they change, as server-sent events.
         * @description `ready` comes first, then `connected`, `refreshed`, `expiring`, `expired`, `error`, `disconnected` and `flow`, each
         *     once and in the order of their `id`, which is the user's version. With `Last-Event-ID` what was missed comes first;
         *     `reset` instead of it where that is too long ago: then read the list again. The stream ends with the credential that
         *     it was opened with, and when the program does.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/flows/{flowId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far the flow has come. */
        get: operations["getFlow"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/flows/{flowId}/credentials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Completes a flow of a platform of kind `cookies` from the app's own dialog.
         * @description Whatever the owner can mend is answered with the flow still open. Your dialog must say that whoever has such a session
         *     can act as its owner, and ask for consent.
         */
        post: operations["sendCredentials"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/flows/{flowId}/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Finishes a bound flow, or one whose consent reached several accounts.
         * @description Not done within ten minutes, the grant is given up.
         */
        post: operations["finishFlow"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The platforms that can be connected.
         * @description One that the operator has not set up is listed with `configured: false`; connecting it answers
         *     `PROVIDER_NOT_CONFIGURED`.
         */
        get: operations["listProviders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/refresh/{provider}/{accountId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Renews a connection's token now: one attempt, joined if one is under way. */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/report-401": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Says that a platform has refused a token which should have worked: it is renewed, unless that has happened already.
         * @description For API keys with `tokens:read` only. However many report the same token, it is renewed once.
         */
        post: operations["reportRefusedToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The user's connected accounts.
         * @description Answers from memory for up to five minutes unless something changed. With `If-None-Match`, 304 where nothing did.
         */
        get: operations["getStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/token/{provider}/{accountId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An access token that works now.
         * @description Renewed first if it has ended, or sooner than `minTtlSeconds` from now (cut to half of the token's life). For API
         *     keys with `tokens:read` only: a browser never reads a platform token.
         */
        get: operations["getToken"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/integrations/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Access tokens of up to 100 accounts at once. */
        post: operations["getTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begins a session for a user's browser, which may see and change that user's own connections and read no token.
         * @description Makes the user where there is none and the key has `users:write`.
         */
        post: operations["createSession"];
        /** Ends sessions: a session token ends itself, an API key ends all of the user whom it names. */
        delete: operations["endSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a user, or answers the one that has this id, external id or e-mail address, unchanged. */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A user. */
        get: operations["getUser"];
        put?: never;
        post?: never;
        /** Deletes a user with all connections; their grants are ended at the platforms as far as those can. */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connect/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The form on which the account's owner pastes a session: the `authUrl` of platforms of kind `cookies`.
         * @description It posts to the same address, urlencoded, with the state, a CSRF token and the platform's fields.
         */
        get: operations["credentialForm"];
        put?: never;
        /**
         * The owner sends the form, or cancels.
         * @description The answer is that of a callback. What the owner can correct, and errors of the platform, show the form again; the
         *     flow stays open.
         */
        post: operations["submitCredentialForm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connect/{provider}/choose": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The browser chooses among the accounts that its consent reached.
         * @description Sent by the page that the callback answers for a flow without a challenge, and answered as a callback is.
         */
        post: operations["chooseAccounts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/console/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is signed in to the console. */
        get: operations["getConsoleSession"];
        put?: never;
        /** Becomes another of the `people`; in `evergrant dev` alone. The cookie is another one then. */
        post: operations["changeConsoleSession"];
        /** Signs out. */
        delete: operations["endConsoleSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images/{signature}/{target}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The picture at an address that Evergrant has given out, such as `avatarUrl`.
         * @description The address is signed, so it needs no credential. A raster image of at most 1 MiB: PNG, JPEG, GIF, WebP or AVIF.
         */
        get: operations["getImage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/portal/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Opens the console as a user, once, within five minutes: the `url` of a session that was begun with `portal`.
         * @description Whoever was signed in there before is signed out.
         */
        get: operations["openPortal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Whom to be. */
        Become: {
            /**
             * Format: int32
             * @description One of `people`.
             */
            userId: number;
        };
        /** @description What came of a callback that an app passed on. */
        CallbackAnswer: {
            /** @description The connected account. */
            accountId?: string | null;
            /** @description The accounts to choose from, with `choose`. */
            accounts?: components["schemas"]["Choice"][];
            /** @description The flow to finish. */
            flowId?: string | null;
            integration?: components["schemas"]["Integration"] | null;
            /** @description What finishes it, together with the verifier where the flow has a challenge. */
            receipt?: string | null;
            /**
             * @description `connected`; `pending` for a flow that is to be finished with its verifier; `choose` for one without a challenge
             *     whose consent reached several accounts, to be finished with some of them.
             */
            status: string;
            /** @description Always true: a failure is a problem document. */
            success: boolean;
            /**
             * Format: int32
             * @description The user who began the flow.
             */
            userId: number;
        };
        /** @description What an app that owns the callback page passes on. */
        CallbackBody: {
            /** @description The code from the platform. */
            code?: string | null;
            /** @description The platform's error, if it sent one. */
            error?: string | null;
            /** @description The issuer, if the platform named itself (RFC 9207). */
            iss?: string | null;
            /** @description The state from the platform. */
            state: string;
        };
        /** @description An account that can be chosen. */
        Choice: {
            /** @description Where the account's picture is: an address of Evergrant's own, which anybody may show. */
            avatarUrl?: string | null;
            /** @description The name that people see. */
            displayName?: string | null;
            /** @description What `accountIds` takes. */
            providerAccountId: string;
            /** @description The handle. */
            username?: string | null;
        };
        /** @description The form of the page that asks which accounts to connect. */
        ChooseForm: {
            /** @description The account ids that are ticked; repeated. */
            account: string[];
            /** @description The flow. */
            flowId: string;
            /** @description What the page was given: proves that this browser consented. */
            receipt: string;
        };
        /** @description What to connect, and how to come back. */
        Connect: {
            /** @description The account to reconnect; the connection keeps its id. */
            accountId?: string | null;
            /**
             * @description Base64url of the SHA-256 of a verifier that you keep. The flow must then be finished with it, which proves that
             *     who began and who consented are the same browser. Session tokens must send it.
             */
            challenge?: string | null;
            /** @description Where the browser goes at the end: on the operator's list. Without it, the first of that list. */
            redirectUrl?: string | null;
            /** @description What to ask for beyond what is required. Without it, all that the platform's entry lists. */
            scopes?: string[] | null;
        };
        /** @description A session of the console. */
        ConsoleSession: {
            /** @description Goes with every request that changes something, as `X-CSRF-Token`. */
            csrfToken: string;
            /** @description Whether this is `evergrant dev`. */
            dev: boolean;
            /**
             * Format: date-time
             * @description When the session ends at the latest; it also ends an hour after its last use.
             */
            expiresAt: string;
            /** @description Whom one may be; empty but in `evergrant dev`. */
            people: components["schemas"]["Person"][];
            /** @description Who is signed in. */
            user: components["schemas"]["Person"];
            /** @description The program's version. */
            version: string;
        };
        /** @description Whose browser. */
        CreateSession: {
            /** @description Your own id of the user. */
            externalId?: string | null;
            /** @description Whether to make an address too that opens the console as the user; false. */
            portal?: boolean;
            /**
             * Format: int64
             * @description How long the token is good, in seconds: 1 to 900; 900.
             */
            ttlSeconds?: number | null;
            /**
             * Format: int32
             * @description The user's id; either this or `externalId`.
             */
            userId?: number | null;
        };
        /** @description A user to be made; all fields may be left out. */
        CreateUser: {
            /** @description Unique where there is one; up to 255 characters. */
            email?: string | null;
            /** @description Your own id of the user, such as a UUID; unique where there is one; up to 255 characters. */
            externalId?: string | null;
            /**
             * Format: int32
             * @description A number of your own choice, from 1 to 2147483647.
             */
            id?: number | null;
            /** @description Up to 255 characters. */
            name?: string | null;
        };
        /** @description What an account's owner fills in, for a platform without a consent page. */
        CredentialField: {
            /** @description Where its owner finds it. */
            help: string;
            /** @description As its owner is told of it. */
            label: string;
            /** @description Its key in `values`. */
            name: string;
            /** @description Whether it is needed; one `pasted` text may stand for all others. */
            required: boolean;
            /** @description Whether it must be hidden as it is typed, and never shown again. */
            secret: boolean;
        };
        /** @description The form of the page, beside the platform's own fields. */
        CredentialFormBody: {
            /** @description The tick without which nothing is taken. */
            consent?: string | null;
            /** @description The token that binds the form to the flow, from the page. */
            csrf?: string | null;
            /** @description `access_denied`: the owner cancels, and no other field counts. */
            error?: string | null;
            /** @description The state, from the page. */
            state: string;
        };
        /** @description What the owner of an account pastes, for a platform of kind `cookies`. */
        Credentials: {
            /** @description The platform's fields, by the names under `fields` in the list of platforms. */
            values: {
                [key: string]: string;
            };
        };
        /** @description What came of deleting a user. */
        Deleted: {
            /** @description Always true: a failure is a problem document. */
            success: boolean;
        };
        /** @description What became of the grant. */
        Disconnected: {
            /** @description The same in a sentence for the user. */
            message: string;
            /** @description `revoked`, `pending` (we keep asking for a day), `unsupported`, or `kept` for other connections of the person. */
            revocation: string;
            /** @description Always true: the connection is gone here whatever the platform answered. */
            success: boolean;
        };
        /** @description What came of ending sessions. */
        Ended: {
            /** @description Always true: a failure is a problem document. */
            success: boolean;
        };
        /** @description What finishes a flow. */
        Finish: {
            /** @description Which accounts to connect, where the flow says `choose`. */
            accountIds?: string[] | null;
            /** @description What came back with the browser, or with the callback that your server passed on. */
            receipt: string;
            /**
             * @description The text whose hash was the challenge. Required unless the flow was begun without a challenge, which only your
             *     server can do; session tokens must always send it.
             */
            verifier?: string | null;
        };
        /** @description How far a flow has come. */
        FlowState: {
            /** @description The account that it connected, with `connected`. */
            accountId?: string | null;
            /** @description The accounts to choose from, with `choose`. */
            accounts?: components["schemas"]["Choice"][];
            /** @description Why it came to nothing, with `error`. */
            code?: string | null;
            /** @description `waiting` for the user, `pending` or `choose` for the browser to finish it, `connected`, or `error`. */
            status: string;
        };
        /** @description A connected account, as the app sees it. */
        Integration: {
            /** @description Where the account's picture is: an address of Evergrant's own, which anybody may show. */
            avatarUrl?: string | null;
            /** @description Finds the last change of status in the operator's log. */
            correlationId?: string | null;
            /**
             * Format: date-time
             * @description When it was first connected.
             */
            createdAt: string;
            /** @description The name that people see there. */
            displayName?: string | null;
            /**
             * Format: date-time
             * @description When the access token ends (RFC 3339 UTC, milliseconds); null if unknown.
             */
            expiresAt?: string | null;
            /**
             * Format: int32
             * @description The connection's number; a reconnect keeps it.
             */
            id: number;
            /** @description Whether a token can be had now: true for `connected` and `expiring`. */
            isConnected: boolean;
            /**
             * Format: date-time
             * @description When it was last renewed; absent for never.
             */
            lastRefreshedAt?: string | null;
            /** @description What the platform says of the account, by the names of its catalogue entry. */
            metadata: Record<string, never>;
            /** @description The scopes that were asked for and not granted. */
            missingScopes: string[];
            /**
             * Format: date-time
             * @description When it is next renewed; absent for never.
             */
            nextRefreshAt?: string | null;
            /** @description The platform, such as `reddit`. */
            provider: string;
            /** @description The account's id at the platform; `accountId` in routes means this one. */
            providerAccountId: string;
            /** @description The granted scopes, divided by spaces; null if unknown. */
            scope?: string | null;
            /** @description `connected`, `expiring`, `expired` or `error`. */
            status: string;
            /** @description Why it stands so, such as `REVOKED_BY_USER`; absent where there is nothing to say. */
            statusReason?: string | null;
            /**
             * Format: date-time
             * @description When it last changed.
             */
            updatedAt: string;
            /** @description The handle at the platform. */
            username?: string | null;
        };
        /** @description A user's connected accounts. */
        IntegrationList: {
            /** @description In the order in which they were connected. */
            integrations: components["schemas"]["Integration"][];
            /**
             * Format: int64
             * @description Rises with every change of the user's connections, over all replicas.
             */
            version: number;
        };
        /** @description Connected accounts, without a version. */
        IntegrationsView: {
            /** @description The accounts. */
            integrations: components["schemas"]["Integration"][];
        };
        /** @description The token's own fields, or `error`. */
        Outcome: components["schemas"]["Token"] | {
            /** @description Why there is none. */
            error: components["schemas"]["Problem"];
        };
        /** @description Somebody. */
        Person: {
            /** @description Their e-mail address; null where the app has not said. */
            email?: string | null;
            /** @description The app's own id of them; null where there is none. */
            externalId?: string | null;
            /**
             * Format: int32
             * @description The user's id.
             */
            id: number;
            /** @description Their name; null where the app has not said. */
            name?: string | null;
        };
        /** @description A failed request (RFC 9457). */
        Problem: {
            /** @description The stable code, such as `RECONNECT_REQUIRED`. */
            code: string;
            /** @description Finds the request in the log; the same as the `X-Request-Id` header. */
            correlationId: string;
            /** @description A sentence fit for an end user; absent where the fault is ours. */
            detail?: string | null;
            /** @description The fields that are not acceptable. */
            fields?: components["schemas"]["ProblemField"][];
            /**
             * Format: int64
             * @description How long to wait, in seconds; the same as the `Retry-After` header.
             */
            retryAfterSeconds?: number | null;
            /** @description Whether the same request may succeed later without anybody's help. */
            retryable: boolean;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The code in words. */
            title: string;
            /** @description Where the code is described. */
            type: string;
        };
        /** @description A field that is not acceptable. */
        ProblemField: {
            /** @description The field, as a path such as `accounts[0].provider`. */
            field: string;
            /** @description What would be acceptable. */
            message: string;
        };
        /** @description A platform, as a user sees it. */
        Provider: {
            /** @description What an account there is called, such as `Reddit User`. */
            accountType: string;
            /** @description What can be done with a grant: any of `refresh`, `revoke`, `profile`. */
            capabilities: string[];
            /** @description Whether the operator has registered a client with it. */
            configured: boolean;
            /** @description What is filled in at platforms of kind `cookies`; absent for others. */
            fields?: components["schemas"]["CredentialField"][];
            /** @description `oauth2` or `cookies`. */
            kind: string;
            /** @description Whether one consent may reach several accounts. */
            multiAccount: boolean;
            /** @description Its name for people. */
            name: string;
            /** @description Why it is not configured, for the operator; absent where it is. */
            problem?: string | null;
            /** @description Its name in routes, such as `reddit`. */
            provider: string;
            /** @description The permissions that are asked for. */
            scopes: components["schemas"]["Scope"][];
            /** @description With whom its users sign in, where that is another platform, such as `Facebook`. */
            signInWith?: string | null;
            /** @description What its tokens are like, such as `Permanent (with refresh)`. */
            tokenType: string;
        };
        /** @description The platforms. */
        Providers: {
            /** @description Those of the catalogue first, then the operator's own. */
            providers: components["schemas"]["Provider"][];
        };
        /** @description A renewed connection. */
        Refreshed: {
            /**
             * Format: date-time
             * @description When the new access token ends; null if unknown.
             */
            expiresAt?: string | null;
            /** @description Always true: a failure is a problem document. */
            success: boolean;
        };
        /** @description A token that a platform has refused. */
        RefusedToken: {
            /** @description The access token that was refused. */
            accessToken: string;
            /** @description The account's id there. */
            accountId: string;
            /** @description The platform. */
            provider: string;
        };
        /** @description What was done about it. */
        ReportView: {
            /**
             * Format: date-time
             * @description When the token ends that is held now; null if unknown.
             */
            expiresAt?: string | null;
            /**
             * @description `superseded`: a newer token was there already; `renewed`: now one is; read it. `tooYoung`: the token is less than
             *     a minute old, so the refusal has another cause. Of a pasted session, `confirmed`: the platform says that it holds;
             *     `unconfirmed`: the platform could not be asked, or is not believed before it has said so twice.
             */
            outcome: string;
        };
        /** @description A permission, in plain words. */
        Scope: {
            /** @description As the platform calls it. */
            id: string;
            /** @description As a user is told of it. */
            label: string;
            /** @description Whether a connection is useless without it. */
            required: boolean;
        };
        /** @description A token for the user's browser. */
        Session: {
            /**
             * Format: date-time
             * @description When it ends.
             */
            expiresAt: string;
            /** @description To be sent as `Authorization: Bearer`. */
            token: string;
            /** @description With `portal`: opens the console as the user, once, within five minutes. */
            url?: string | null;
        };
        /** @description A flow that has begun. */
        Started: {
            /** @description The platform's consent page: send the user there. */
            authUrl: string;
            /**
             * Format: date-time
             * @description When the flow ends unless the user has come back.
             */
            expiresAt: string;
            /** @description The flow's name, to ask how far it has come. */
            flowId: string;
            /** @description What the callback will bring back; it stands in `authUrl` already. */
            state: string;
        };
        /** @description A token that works now. */
        Token: {
            /** @description What to present to the platform. */
            accessToken: string;
            /**
             * Format: date-time
             * @description When it ends; null if unknown.
             */
            expiresAt?: string | null;
            /** @description The granted scopes, divided by spaces; null if unknown. */
            scope?: string | null;
            /** @description As the platform sent it, such as `bearer`; null where it states none. */
            tokenType?: string | null;
        };
        /** @description The token of one account, or why there is none. */
        TokenOrError: components["schemas"]["Outcome"] & {
            /** @description The account's id there. */
            accountId: string;
            /** @description The platform. */
            provider: string;
        };
        /** @description An answer or an error for each account, in the order of the request. */
        Tokens: {
            /** @description One for each account. */
            tokens: components["schemas"]["TokenOrError"][];
        };
        /** @description A user. */
        User: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            createdAt: string;
            /** @description Null where there is none. */
            email?: string | null;
            /** @description Null where there is none. */
            externalId?: string | null;
            /**
             * Format: int32
             * @description The number that names the user everywhere.
             */
            id: number;
            /** @description Null where there is none. */
            name?: string | null;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updatedAt: string;
        };
        /** @description What `ready` and `reset` say. */
        VersionEvent: {
            /**
             * Format: int64
             * @description The user's version: what comes later is told.
             */
            version: number;
        };
        /** @description Whose tokens. */
        Wanted: {
            /** @description 1 to 100 accounts of the user. */
            accounts: components["schemas"]["WantedAccount"][];
        };
        /** @description One account. */
        WantedAccount: {
            /** @description The account's id there. */
            accountId: string;
            /** @description The platform. */
            provider: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    callback: {
        parameters: {
            query: {
                /** @description From the authorization request */
                state: string;
                /** @description What buys the tokens */
                code?: string;
                /** @description The platform's error */
                error?: string;
                /** @description Who answers (RFC 9207) */
                iss?: string;
            };
            header?: never;
            path: {
                /** @description Such as `reddit` */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Which accounts? A page that posts to `/connect/{provider}/choose` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description Back to the app */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `INVALID_STATE` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    postCallback: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Such as `reddit` */
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CallbackBody"];
                "application/x-www-form-urlencoded": components["schemas"]["CallbackBody"];
            };
        };
        responses: {
            /** @description Connected, or to be finished; for a form, the page that asks which accounts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallbackAnswer"];
                    "text/html": string;
                };
            };
            /** @description Back to the app (for a form) */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `INVALID_STATE`, `INVALID_CODE`, `OAUTH_DENIED`, `OAUTH_CALLBACK_ERROR`, `INVALID_REQUEST`; a page for a form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "text/html": string;
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMIT_ERROR`: the platform's */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NETWORK_ERROR` */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`, `DATABASE_ERROR`; a page for a form */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "text/html": string;
                };
            };
            /** @description `TIMEOUT_ERROR` */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connect: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path: {
                /** @description Such as `reddit` */
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Connect"];
            };
        };
        responses: {
            /** @description Where to send the user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description `INVALID_REDIRECT_URL`, `INVALID_USER_ID`, `INVALID_REQUEST`, `OAUTH_INIT_ERROR` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_NOT_CONFIGURED` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disconnect: {
        parameters: {
            query?: {
                /** @description Whether what was collected from the account goes too; false */
                deleteData?: boolean;
            };
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path: {
                /** @description Such as `reddit` */
                provider: string;
                /** @description The account's id at the platform */
                accountId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Disconnected */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Disconnected"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR`: `deleteData` is neither true nor false */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    streamEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `id` of the last event that was seen */
                "Last-Event-ID"?: string | null;
                /** @description With an API key: whose events */
                "Evergrant-User"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream; each event's data is one of these as JSON */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["VersionEvent"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `OVERLOADED`: too many streams of this user; `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getFlow: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path: {
                /** @description From connect */
                flowId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its state */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlowState"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FLOW_NOT_FOUND`, for another user's too */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sendCredentials: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path: {
                /** @description From connect */
                flowId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Credentials"];
            };
        };
        responses: {
            /** @description The account that it connected */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IntegrationsView"];
                };
            };
            /** @description `INVALID_STATE`: the flow is over */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FLOW_NOT_FOUND`, for another user's too */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR`: what to mend, by paths such as `values.sess`; `values` alone where the platform has a consent page of its own */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMIT_ERROR`: the platform's */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NETWORK_ERROR` */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`, `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMEOUT_ERROR` */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    finishFlow: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path: {
                /** @description From connect */
                flowId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Finish"];
            };
        };
        responses: {
            /** @description The accounts that it connected */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IntegrationsView"];
                };
            };
            /** @description `INVALID_STATE`: a wrong verifier or receipt, or not waiting for them */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FLOW_NOT_FOUND`, for another user's too */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_ALREADY_CONNECTED` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listProviders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The platforms */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Providers"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path: {
                /** @description Such as `reddit` */
                provider: string;
                /** @description The account's id at the platform */
                accountId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Renewed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Refreshed"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RECONNECT_REQUIRED` (no call is made for a dead grant), `NO_REFRESH_TOKEN` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMIT_ERROR`: the platform's */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOKEN_REFRESH_ERROR`, `NETWORK_ERROR` */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`, `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMEOUT_ERROR` */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reportRefusedToken: {
        parameters: {
            query?: never;
            header: {
                /** @description Whose account: the user's id, or `ext:` and your own id */
                "Evergrant-User": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefusedToken"];
            };
        };
        responses: {
            /** @description What was done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportView"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RECONNECT_REQUIRED`, `NO_REFRESH_TOKEN` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMIT_ERROR`: the platform's */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOKEN_REFRESH_ERROR`, `NETWORK_ERROR` */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`, `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMEOUT_ERROR` */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getStatus: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: the user's id, or `ext:` and your own id of the user, percent-encoded */
                "Evergrant-User"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The accounts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IntegrationList"];
                };
            };
            /** @description Unchanged since the ETag that was sent */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `INVALID_USER_ID` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getToken: {
        parameters: {
            query?: {
                /** @description How long the token must last, in seconds; 0 */
                minTtlSeconds?: number;
            };
            header: {
                /** @description Whose account: the user's id, or `ext:` and your own id */
                "Evergrant-User": string;
            };
            path: {
                /** @description Such as `reddit` */
                provider: string;
                /** @description The account's id at the platform */
                accountId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `ACCOUNT_NOT_FOUND`, for another user's too; `INVALID_PROVIDER` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RECONNECT_REQUIRED`, `TOKEN_EXPIRED`, `NO_ACCESS_TOKEN` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `RATE_LIMIT_ERROR`: the platform's */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TOKEN_REFRESH_ERROR`, `NETWORK_ERROR` */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`, `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMEOUT_ERROR` */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getTokens: {
        parameters: {
            query?: never;
            header: {
                /** @description Whose accounts */
                "Evergrant-User": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Wanted"];
            };
        };
        responses: {
            /** @description A token or an error for each */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateSession"];
            };
        };
        responses: {
            /** @description The token */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND`, where the key may not make users */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endSessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description With an API key: whom this is for */
                "Evergrant-User"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ended"];
                };
            };
            /** @description `INVALID_USER_ID` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateUser"];
            };
        };
        responses: {
            /** @description The user was there, and is as it was */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description A new user */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN`: needs `users:write` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's id, or `ext:` and your own id, percent-encoded */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description `INVALID_USER_ID` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's id, or `ext:` and your own id, percent-encoded */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description `INVALID_USER_ID` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `USER_NOT_FOUND` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    credentialForm: {
        parameters: {
            query: {
                /** @description From connect; it stands in `authUrl` already */
                state: string;
            };
            header?: never;
            path: {
                /** @description Such as `onlyfans` */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The form */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `INVALID_STATE`: unknown, used or expired */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    submitCredentialForm: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Such as `onlyfans` */
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["CredentialFormBody"];
            };
        };
        responses: {
            /** @description Back to the app */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `INVALID_STATE`: unknown, used or expired, or a wrong CSRF token; `INVALID_REQUEST`: not a form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`: the form again */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `VALIDATION_ERROR`, `NO_ELIGIBLE_ACCOUNT`: the form again */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `RATE_LIMIT_ERROR`: the platform's; the form again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `NETWORK_ERROR`: the form again */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`: the form again; `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `TIMEOUT_ERROR`: the form again */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    chooseAccounts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Such as `instagram` */
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["ChooseForm"];
            };
        };
        responses: {
            /** @description Back to the app */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `INVALID_STATE`: a wrong receipt, or nothing to choose any more */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description Nothing is ticked, or something that was not offered: the page again */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    getConsoleSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleSession"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeConsoleSession: {
        parameters: {
            query?: never;
            header: {
                /** @description `csrfToken` of the session */
                "X-CSRF-Token": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Become"];
            };
        };
        responses: {
            /** @description The new session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleSession"];
                };
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PAYLOAD_TOO_LARGE`: more than 64 KiB */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `VALIDATION_ERROR` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endConsoleSession: {
        parameters: {
            query?: never;
            header: {
                /** @description `csrfToken` of the session */
                "X-CSRF-Token": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed out, here and on the server */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `INVALID_USER_ID`, `INVALID_REQUEST` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `UNAUTHENTICATED` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `FORBIDDEN` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `INTERNAL_ERROR` */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As given out */
                signature: string;
                /** @description As given out */
                target: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture, good for a day */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/*": unknown;
                };
            };
            /** @description `NOT_FOUND`: not an address of ours */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `NETWORK_ERROR` */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `PROVIDER_UNAVAILABLE`: the platform has no such picture */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `TIMEOUT_ERROR` */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    openPortal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description From `POST /api/sessions`; it stands in `url` already */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Nobody has followed the link yet (`Sec-Purpose: prefetch`): it is not spent */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description To the console's first page, with its cookie */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The link is unknown, has been used or has expired */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description `DATABASE_ERROR` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
}
