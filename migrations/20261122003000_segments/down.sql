DROP TABLE segment_names;
DROP TABLE segment_uses;
DROP TABLE segments;
