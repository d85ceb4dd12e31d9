CREATE TABLE duplicate_pairs (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    other_id     uuid        NOT NULL,
    score        float8      NOT NULL,
    exact        boolean     NOT NULL,
    reasons      jsonb       NOT NULL,
    job_id       uuid        NOT NULL,
    found_at     timestamptz NOT NULL,
    CONSTRAINT duplicate_pairs_pkey PRIMARY KEY (workspace_id, contact_id, other_id),
    CONSTRAINT duplicate_pairs_order_check CHECK (contact_id < other_id),
    CONSTRAINT duplicate_pairs_score_check CHECK (score >= 0 AND score <= 1)
);
CREATE INDEX duplicate_pairs_score_idx ON duplicate_pairs (workspace_id, score DESC, contact_id, other_id);
CREATE INDEX duplicate_pairs_other_idx ON duplicate_pairs (workspace_id, other_id);
COMMENT ON TABLE duplicate_pairs IS
    'Pairs of contacts that are one, as the last search saw them (CON-16). A pair stands once, the smaller id first. No foreign keys: written by the hundred thousand; a purge takes its rows along.';
COMMENT ON COLUMN duplicate_pairs.score IS 'Probability that the two are one, to four places.';
COMMENT ON COLUMN duplicate_pairs.exact IS 'E-mail key, phone or external id are the same.';
COMMENT ON COLUMN duplicate_pairs.reasons IS 'What each field says: field, level, weight in bits. No values.';
COMMENT ON COLUMN duplicate_pairs.job_id IS 'The search that saw it last.';

CREATE TABLE duplicate_rejections (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    other_id     uuid        NOT NULL,
    rejected_at  timestamptz NOT NULL,
    CONSTRAINT duplicate_rejections_pkey PRIMARY KEY (workspace_id, contact_id, other_id),
    CONSTRAINT duplicate_rejections_order_check CHECK (contact_id < other_id)
);
CREATE INDEX duplicate_rejections_other_idx ON duplicate_rejections (workspace_id, other_id);
COMMENT ON TABLE duplicate_rejections IS
    'Pairs of which somebody said that they are two: never offered, never merged. The smaller id first. No foreign keys, as duplicate_pairs.';

CREATE TABLE duplicate_staged (
    workspace_id uuid     NOT NULL,
    job_id       uuid     NOT NULL,
    seq          bigint   NOT NULL,
    contact_id   uuid     NOT NULL,
    keys         bigint[] NOT NULL,
    terms        bigint[] NOT NULL,
    CONSTRAINT duplicate_staged_pkey PRIMARY KEY (workspace_id, job_id, seq)
);
COMMENT ON TABLE duplicate_staged IS
    'Contacts a search compares; empty when none is under way. No foreign keys: written by the million.';
COMMENT ON COLUMN duplicate_staged.keys IS 'Hashes: contacts that share one are compared.';
COMMENT ON COLUMN duplicate_staged.terms IS 'Hashes of values whose frequency counts; odd ones are of e-mail, phone and external id.';

CREATE TABLE duplicate_blocks (
    workspace_id uuid    NOT NULL,
    job_id       uuid    NOT NULL,
    key          bigint  NOT NULL,
    seq          bigint  NOT NULL,
    members      integer NOT NULL,
    CONSTRAINT duplicate_blocks_pkey PRIMARY KEY (workspace_id, job_id, key, seq)
);
COMMENT ON TABLE duplicate_blocks IS
    'Keys that several contacts of a search share; empty when none is under way. No foreign keys: written by the million.';
COMMENT ON COLUMN duplicate_blocks.members IS 'How many contacts share the key.';
