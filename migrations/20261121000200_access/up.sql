CREATE TABLE users (
    workspace_id  uuid        NOT NULL,
    id            uuid        NOT NULL,
    email         text        NOT NULL,
    email_key     text        COLLATE "C" NOT NULL,
    name          text,
    role          text        NOT NULL,
    password_hash text        NOT NULL,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT users_email_key UNIQUE (workspace_id, email_key),
    CONSTRAINT users_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT users_role_check CHECK (role IN ('administrator', 'manager', 'editor', 'viewer'))
);
-- a password login knows the address and not yet the workspace
CREATE INDEX users_login_idx ON users (email_key);
COMMENT ON TABLE users IS 'People who may log in. The same address may exist in several workspaces.';

CREATE TABLE clients (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    scopes       text[]      NOT NULL,
    secret_hash  bytea       NOT NULL,
    disabled_at  timestamptz,
    last_used_at timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT clients_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT clients_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
CREATE INDEX clients_login_idx ON clients (id);
COMMENT ON TABLE clients IS 'Integrations (client credentials grant).';
COMMENT ON COLUMN clients.secret_hash IS 'SHA-256 of the secret; the secret is 256 random bits, so a slow hash would add nothing.';

CREATE TABLE refresh_tokens (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    family_id    uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    token_hash   bytea       NOT NULL,
    scope        text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT refresh_tokens_hash_key UNIQUE (workspace_id, token_hash),
    CONSTRAINT refresh_tokens_user_fkey FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (workspace_id, user_id);
CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (workspace_id, family_id);
COMMENT ON TABLE refresh_tokens IS 'Rotating refresh tokens. Using one twice revokes its family (RFC 9700, 4.14).';

CREATE TABLE idempotency_keys (
    workspace_id uuid        NOT NULL,
    client       text        NOT NULL,
    key          text        NOT NULL,
    fingerprint  bytea       NOT NULL,
    status       smallint    NOT NULL,
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (workspace_id, client, key)
);
CREATE INDEX idempotency_keys_age_idx ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS
    'Answers of POST requests with an Idempotency-Key, written in the transaction of their effect and kept for 24 hours (PLT-3).';

CREATE TABLE audit_entries (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    at           timestamptz NOT NULL,
    actor_type   text        NOT NULL,
    actor_id     uuid,
    action       text        NOT NULL,
    record_type  text        NOT NULL,
    record_id    uuid,
    changes      jsonb,
    job_id       uuid,
    request_id   text,
    ip           text,
    CONSTRAINT audit_entries_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT audit_entries_actor_type_check CHECK (actor_type IN ('user', 'client', 'system'))
);
CREATE INDEX audit_entries_record_idx ON audit_entries (workspace_id, record_id);
COMMENT ON TABLE audit_entries IS 'Who did what to which record, when, from where, through which job (AUD-1). Insert only.';
