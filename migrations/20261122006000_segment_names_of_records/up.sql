ALTER TABLE segment_names DROP CONSTRAINT segment_names_kind_check;
ALTER TABLE segment_names ADD CONSTRAINT segment_names_kind_check CHECK (
    kind IN ('tag', 'purpose', 'detail', 'group', 'type', 'owner', 'company', 'opportunity', 'project'));
COMMENT ON COLUMN segment_names.name IS
    'Key of a tag, name of a purpose or detail, id of anything else.';

-- what the trees that are there name already: the value of such a condition is an id, or a list of ids
INSERT INTO segment_names (workspace_id, segment_id, kind, name)
SELECT DISTINCT s.workspace_id, s.id, leaf.node ->> 'field', replace(lower(id.value #>> '{}'), 'urn:uuid:', '')::uuid::text
FROM segments s
CROSS JOIN LATERAL jsonb_path_query(
    coalesce(s.filter, s.selection),
    'strict $.** ? (@.field == "owner" || @.field == "company" || @.field == "opportunity" || @.field == "project")'
) AS leaf (node)
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(leaf.node -> 'value')
        WHEN 'array' THEN leaf.node -> 'value'
        WHEN 'string' THEN jsonb_build_array(leaf.node -> 'value')
        ELSE '[]'
    END
) AS id (value)
ON CONFLICT (workspace_id, segment_id, kind, name) DO NOTHING;
