DROP TABLE duplicate_blocks;
DROP TABLE duplicate_staged;
DROP TABLE duplicate_rejections;
DROP TABLE duplicate_pairs;
