DROP FUNCTION contact_search(text, text, text, text, text);
DROP FUNCTION contact_fold(text);
DROP FUNCTION contact_fold_rest(text);
