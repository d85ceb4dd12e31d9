CREATE TABLE contacts (
    workspace_id        uuid        NOT NULL,
    id                  uuid        NOT NULL,
    external_id         text        COLLATE "C",
    first_name          text,
    last_name           text,
    title_before        text,
    title_after         text,
    company_name        text,
    job_title           text,
    email               text,
    email_key           text        COLLATE "C",
    phone               text        COLLATE "C",
    birth_date          date,
    gender              text,
    street              text,
    city                text,
    postal_code         text,
    region              text,
    country             text,
    language            text,
    time_zone           text,
    state               text        NOT NULL DEFAULT 'prospect',
    type_id             uuid,
    score               bigint      NOT NULL DEFAULT 0,
    details             jsonb       NOT NULL DEFAULT '{}',
    subscribed          boolean     NOT NULL DEFAULT true,
    muted               boolean     NOT NULL DEFAULT false,
    email_invalid_at    timestamptz,
    origin              text        NOT NULL,
    salutation_formal   text,
    salutation_familiar text,
    search              text        NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    trashed_at          timestamptz,
    CONSTRAINT contacts_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT contacts_state_check CHECK (state IN ('prospect', 'customer', 'partner')),
    CONSTRAINT contacts_gender_check CHECK (gender IN ('female', 'male', 'other')),
    CONSTRAINT contacts_origin_check CHECK (origin IN ('manual', 'import', 'api', 'booking', 'inbox', 'ares')),
    CONSTRAINT contacts_email_check CHECK ((email IS NULL) = (email_key IS NULL)),
    CONSTRAINT contacts_details_check CHECK (jsonb_typeof(details) = 'object')
) WITH (fillfactor = 90);
CREATE INDEX contacts_email_key_idx ON contacts (workspace_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX contacts_phone_idx ON contacts (workspace_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX contacts_external_id_idx ON contacts (workspace_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX contacts_trash_idx ON contacts (workspace_id, id) WHERE trashed_at IS NOT NULL;
COMMENT ON TABLE contacts IS
    'People and companies the workspace keeps. No foreign key to workspaces and no created_at index: each costs a bulk import more than it gives, the id is a UUIDv7 in order of creation.';
COMMENT ON COLUMN contacts.email IS 'As it was written; compared by email_key.';
COMMENT ON COLUMN contacts.email_key IS 'Lower case, domain in ASCII (IDNA).';
COMMENT ON COLUMN contacts.phone IS 'E.164.';
COMMENT ON COLUMN contacts.search IS
    'Names, e-mail, phone and company with case and diacritics folded (CON-4); equals contact_search() of the row.';
COMMENT ON COLUMN contacts.email_invalid_at IS 'When the address bounced hard; lies over the consent projection.';
COMMENT ON COLUMN contacts.trashed_at IS 'When the contact was deleted; NULL while it lives (TRS-1).';

CREATE TABLE tags (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT tags_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT tags_name_key UNIQUE (workspace_id, name_key),
    CONSTRAINT tags_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE tags IS 'The words a workspace puts on its contacts.';
COMMENT ON COLUMN tags.name_key IS 'Name in lower case: VIP and vip are one tag.';

CREATE TABLE contact_tags (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    tag_id       uuid        NOT NULL,
    score        bigint      NOT NULL DEFAULT 0,
    added_at     timestamptz NOT NULL,
    CONSTRAINT contact_tags_pkey PRIMARY KEY (workspace_id, contact_id, tag_id)
);
CREATE INDEX contact_tags_tag_idx ON contact_tags (workspace_id, tag_id);
COMMENT ON TABLE contact_tags IS
    'Tags of contacts. No foreign keys: the check of each would cost a bulk write more than the row itself. Writers lock the tag FOR KEY SHARE, purging deletes here first; a test looks for orphans.';
