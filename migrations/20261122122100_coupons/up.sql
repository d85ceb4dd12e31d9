CREATE TABLE coupons (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    code         text        COLLATE "C" NOT NULL,
    valid_until  timestamptz NOT NULL,
    job_id       uuid,
    created_at   timestamptz NOT NULL,
    redeemed_at  timestamptz,
    CONSTRAINT coupons_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT coupons_code_key UNIQUE (workspace_id, code),
    CONSTRAINT coupons_code_check CHECK (char_length(code) BETWEEN 4 AND 32 AND code = upper(code))
);
CREATE INDEX coupons_contact_idx ON coupons (workspace_id, contact_id, id);
CREATE INDEX coupons_name_idx ON coupons (workspace_id, name_key, id);
-- few of many are redeemed, and people ask for those
CREATE INDEX coupons_redeemed_idx ON coupons (workspace_id, id) WHERE redeemed_at IS NOT NULL;
COMMENT ON TABLE coupons IS
    'Coupons of contacts, each with a code of its own (MGR-J). No foreign keys, as with everything a job writes by the million: writers lock the contact, purging deletes here first; a test looks for orphans.';
COMMENT ON COLUMN coupons.name_key IS 'Name in lower case: a contact holds one good coupon of a name.';
COMMENT ON COLUMN coupons.code IS 'In capitals: codes are compared without case.';
COMMENT ON COLUMN coupons.valid_until IS 'The instant at which it is good no more.';
COMMENT ON COLUMN coupons.job_id IS 'The job that made it; no foreign key, a coupon outlives its job.';
