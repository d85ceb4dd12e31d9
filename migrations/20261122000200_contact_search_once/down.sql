CREATE OR REPLACE FUNCTION contact_search(first_name text, last_name text, email text, phone text, company_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(contact_fold(coalesce(first_name || ' ', '') || coalesce(last_name || ' ', '') || coalesce(email || ' ', '')
        || coalesce(phone || ' ', '') || coalesce(company_name, '')), '');
