//! First names on which the lists and the ends of names are wrong or silent, folded.

use super::super::cell::Words;

/// Women in Czech and Polish lists whose names end like those of men.
pub(super) static WOMEN: Words = Words::new(
    "aaliyah|abigail|adelheid|aigerim|aigul|ainur|aizhan|alison|amal|amber|aminat|amy|anabel|anahit|anat|\
    ani|aniko|ann|anush|aruzhan|assel|astrid|ayelet|aylin|battsetseg|beatrix|beatriz|birgit|burcu|cansu|\
    carmen|carolin|ceren|chanel|chantal|cindy|cuc|daisy|damaris|deborah|doris|dorothy|duygu|ebru|\
    edeltraud|edeltraut|edit|efrat|einat|elen|eleni|elif|elisabet|elizabet|elizabeth|ellen|elli|emi|\
    emili|emily|enkhtsetseg|erdenechimeg|erdenetsetseg|ester|esther|evelin|ezgi|felicitas|fidan|gali|\
    galit|ganchimeg|gertraud|gertrud|gizem|gohar|gudrun|hadas|hang|hasmik|hazel|heidi|heidrun|helen|\
    hildegard|holly|huong|huyen|inbal|inbar|ines|inez|ingeborg|irem|irini|iris|irmgard|irmtraud|isabel|\
    isabell|ivy|janet|jasmin|jenifer|jenny|jing|judith|juliet|karmen|katalin|kathleen|kathrin|kathryn|\
    katrin|kelly|keren|kerstin|ketevan|ketrin|khulan|kimberly|lali|lan|lauren|leah|leidy|liat|lien|lihi|\
    lili|lilien|lilit|lilli|lillian|lilly|lily|liubou|liubov|ljubov|loan|lubov|lubow|lucy|luz|ly|lyubov|\
    madlen|mai|margot|mari|mariam|mariami|marion|maryam|may|megan|melody|mercedes|meri|meriem|meryem|\
    mirjam|mishel|molly|munkhtsetseg|my|myriam|nancy|naomi|nargiz|natali|nataly|nathaly|nato|nel|neli|\
    nelli|ngan|nguyet|nhi|nhung|ni|nicol|nicoll|niki|ninel|nino|ofri|orit|otgonjargal|otgontsetseg|\
    oyunchimeg|oyuntsetseg|petimat|raquel|romi|romy|ronit|ruby|rusudan|scarlett|selin|shani|sharon|\
    shelly|shir|shirley|sigrid|sivan|sofi|sol|solongo|sopiko|sopio|susan|tali|tamar|tamari|thi|tiffany|\
    tinatin|trang|tuul|tuyet|uranchimeg|uyen|vasiliki|vivian|vivien|waltraud|waltraut|wendy|yael|\
    yasemin|yasmin|yen|ying|zaklin|zeynep|zhasmin",
);

/// Men in Czech and Polish lists whose names end like those of women.
pub(super) static MEN: Words = Words::new(
    "abdulla|aditya|aleksandre|amine|anatolie|andria|arda|arne|atila|attila|bachana|beka|bruce|chandra|\
    charlie|csaba|daniele|danila|dante|davide|dima|dionisie|efe|elguja|emanuele|emre|enrique|erekle|\
    fanda|felipe|filipe|franta|gaga|gela|geza|ghenadie|gheorghe|gia|gianluca|giga|giuseppe|goce|gocha|\
    goga|gogita|grigore|guilherme|hamza|honza|ilia|ilie|iliia|ilija|ilja|illa|illia|illya|ilya|imeda|\
    isa|iurie|ivane|jaba|jamie|jarda|jenda|jirka|jesse|jorge|jose|joshua|kakha|khoa|khvicha|koba|konstantine|\
    krishna|kuba|kyle|lasha|luca|luka|luke|mamuka|mate|mattia|maxime|mikita|mikola|mile|mindia|mirda|\
    mirza|mostafa|musa|mustafa|mustapha|mykola|mykyta|nebojsa|nemanja|nghia|nichita|nicolae|noe|nykyta|\
    olda|ondra|otta|oussama|paata|pasquale|pavle|pepa|philippe|prince|raffaele|rajendra|risa|saba|\
    salvatore|samuele|sascha|sava|shalva|shota|sinisa|standa|surya|taha|tolga|toma|tonda|tornike|tsotne|\
    ucha|uwe|vasile|vazha|venca|venkata|vepkhvia|vitalie|vojta|yahya|yarema|yassine|zakaria|zaza",
);

/// Names of so many women and men in Czech lists that they say nothing: most are Vietnamese, Mongolian or pet
/// names.
pub(super) static EITHER_IN_CZECH: Words = Words::new(
    "adel|adi|amarjargal|an|anh|bac|bang|bao|bay|bayarsaikhan|bich|bien|binh|canh|carol|chau|chi|chinh|\
    chung|dao|deniz|dien|diep|dinh|dominique|du|dung|duong|duyen|eda|enkhbayar|gabriele|gantulga|giang|\
    ha|hai|han|hanh|hao|hau|hien|hoa|hoai|hoan|hoi|hong|hop|ivica|jane|jasmin|jian|jie|kaja|karen|\
    khanh|khuong|kim|lap|le|li|lieu|lilian|linh|loc|loi|luong|luyen|marion|michele|milota|minh|misa|\
    munkhjargal|munkhzul|narcis|ngoc|nguyen|nhan|nhat|nikita|ninh|nino|oanh|otgonbayar|peta|\
    phu|phuong|purevsuren|que|quy|quyen|quynh|sam|sang|sasa|sau|sava|simone|sinh|slava|stana|tam|tan|\
    thach|thai|tham|than|thanh|thao|the|thi|thinh|tho|thom|thu|thuan|thuc|thuong|thuy|tinh|trinh|tu|\
    tuyen|van|vinh|vy|wei|xuan|xuyen|yan|yi|yuri",
);

/// As [`EITHER_IN_CZECH`], in Polish lists.
pub(super) static EITHER_IN_POLISH: Words = Words::new(
    "adel|adi|aleksa|alexis|alika|amal|amit|andrea|angel|anh|arzu|ashley|aviv|ayan|bar|bishnu|carol|chen|\
    dagmar|deniz|dilan|dominique|eden|eli|elia|gabriele|gal|gili|hadar|hai|hoang|hong|iman|jian|jie|jin|\
    jing|joan|joy|kadek|karen|kay|kim|kiran|laurence|lee|lei|li|lilian|lin|lior|liron|maayan|michele|\
    min|mina|minh|mirian|misha|mor|moran|morgan|ngoc|nika|niki|nitzan|noam|nur|ofir|or|phuong|raja|rana|\
    raz|roni|ronnie|ronny|rotem|rui|sai|sandy|sasha|sasza|shachar|shahar|shai|shaked|shay|simone|sultan|\
    tafadzwa|tal|tara|tatenda|thanh|thuy|valentine|wei|xin|yang|yarden|yi|yu|yuval|ziv|zohar",
);

/// Names of women in Czech and Polish lists that some men have: a surname of a man's shape is doubt enough.
pub(super) static MOSTLY_WOMEN: Words = Words::new("nikola|nicola|nicol");

/// As [`MOSTLY_WOMEN`], for men: `Ilja Nováková` is a woman.
pub(super) static MOSTLY_MEN: Words = Words::new("ilja|ilya");

/// Pet names of Czech men which only their accents tell from names of women, in lower case.
pub(super) static SPELT_MEN_IN_CZECH: Words = Words::new("jára|láďa|lojza|mára|míra|ríša|vláďa");

/// Hungarian women whom the list lacks.
pub(super) static HUNGARIAN_WOMEN: Words = Words::new(
    "alexa|amelia|andrea|cintia|csillag|dzsenifer|elina|hajnal|hanga|hanka|lana|lelle|letti|lilien|liliom|lotte|\
    luna|melissza|nadin|napsugar|nikola|noella|olivia|orsi|szabrina|szilvi|szofi|tilda|vica|villo|\
    zsuzsi|zsuzska|\
    erzsi|eszti|kati|mari|vali",
);

/// Hungarian men whom the list lacks.
pub(super) static HUNGARIAN_MEN: Words = Words::new(
    "bende|benett|brendon|denisz|doma|dorian|flavio|keve|lenard|lenart|leon|magor|milo|nataniel|nimrod|\
    noe|otmar|rihard|szebasztian|szervac|taksony|tarjan|tas|teo|ubul|vitez|vitus|zebulon|zente|zsadany|\
    dani|ferko|jancsi|laci|marci|robi|sanyi|tibi|zoli",
);
