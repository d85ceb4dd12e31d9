//! Given names and what people make of them: Czech, Slovak, Polish, Hungarian, English, German.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A line a name: the name and its familiar forms, folded. A form may stand in several lines.
const NAMES: &str = "\
adam adamek adas
adela adelka ada
agata agatka
agnes agi agica agnese
agnieszka aga agusia
alena alenka ala
alexandr alexander aleksander alex sasa sanya olek sandor
alexandra aleksandra sandra ola saska alex olenka
alfred fred fredy alfie
alice alicja ala alica
alzbeta elzbieta erzsebet elizabeth beta betka bozka ela erzsi bozsi elza liz lizzy beth betty eliza libby
andrea andi andrejka
andrej ondrej andrzej andras andrew andreas andy drew ondra jedrek bandi ondrasek
andrzej jedrek
anezka anca neska
anna anicka anka ania hanka anka andzia ancsa panni annie ann anne anuska
antonin antoni antal anthony tony tonda tonik toni antek anton
arnost ernest erno
balazs balint
barbora barbara bara barca barunka basia barka borka barb
bartlomiej bartek bartosz
bedrich fryderyk frigyes frederick fred
benjamin ben benny
blanka blanicka
blazena blaza
bohumil bohous bohus mila
bohuslav bohous bohus slavek
boleslaw bolek
bozena bozenka bozka
christopher chris topher
cyril cyrda
dagmar dasa dagi
dana danuse danusia danuta danka
daniel dan danek dani danny
daniela dana danka
david dave davy dawid
deborah deb debbie
dominik domca
dorota dorotka dora
edita edyta edith edit
edward eduard edek ed eddie ted eda ede
elena ela lenka
emil emilek
erik eric
eva ewa eve evicka evka ewka ewunia vica
ferenc feri ferko
filip philip phil
florian flori
frantisek franciszek franz francis frank franta fanda franek ferko
frantiska fanynka fanda
gabriel gabor gabe gabi
gabriela gabina gabka gabi gabriella
grzegorz grzesiek grzes gregory greg gergely gergo rehor
gustav gusta gustaw
gyorgy gyuri
hana hanka hanicka hanna
hedvika hedva jadwiga jadzia hedvig
helena hela helenka ilona hela
henryk jindrich henry heinrich henrik harry hank jindra henio heniek
hubert bert
hynek ignac ignacy
ilona ilus ilonka ica
irena irenka ira iren irka
istvan pista pisti stephen
iva ivana ivanka
ivan iva vanek
iveta ivetka
jacek jacus
jakub jacob jakab kuba kubik james jim jimmy jake
jan john janos johannes hans honza jenda janek jano jancsi johnny jack honzik jasiek
jana janina janicka janka jane joanna johanna asia
jaromir jarek jarda mira
jaroslav jarek jarda jaroslaw slavek
jaroslava jarka jarca
jerzy jurek george georg
jiri jirka jura george jiricek
jitka jituska juditka
joanna asia aska
jonathan jon
josef jozef joseph josep jozsef pepa pepik joe joey jozek jozka joska seppi
jozefa josefina pepina jozka
judit judith jutka judy
julie julia julka julcsi juli
justyna justynka
kamil kamilek
kamila kamca kamilka
karel karol charles karl karoly kaja karlik charlie chuck karcsi
karolina karola kaja caroline carol carrie
kasper kaspar
katerina katarzyna katarina katalin katherine catherine kathryn kathleen kate katie kathy cathy kat katka kaca kacka kasia kaska kati kata katuska
klara klari clara klarka
konrad kurt
kristina krystyna christine christina krisztina kristyna tina kriszti krysia kika chris tyna
krzysztof krzysiek krzys kristof
ladislav wladyslaw laszlo laco lada laci wladek ladik
leonard leo len lenny
leos leo
libor liborek
libuse liba libuska
lubomir lubos lumir
lubos lubosek
lucie lucja lucia lucka lucy lucinka
ludmila lida lidka
ludvik ludwik lajos louis ludwig lojza lajcsi lou
lukas lukasz luke lucas lukasek
magdalena magda madla majda magdolna magdi madzia
malgorzata gosia gocha margaret margit marketa marketka margarita maggie meg peggy gitta
marcel marcelek
marek mark marcus marecek
margit manci gitta
maria marie mary maruska marcsi mari marika majka marysia maruna mia mariska molly
mariana marianna marian
marketa maky marketka
marta marticka martha
martin marcin marton mates martinek marci
martina martinka tina
mateusz matous matej mate matyas matyi matthew matt mateo mates matty
matyas mates matyi mathias
maximilian max maxim
michael michal mihaly mike mikey mick misa misi michalek misko michel
michaela misa michala michalina
mikolaj mikulas miklos nicholas nick nicolas mikes miki niklas
milan milanek
milena milenka
miloslav milos milda
miroslav mirek mira miroslaw
miroslava mirka
monika moni monca monicka
natalie natalia natasa natalka nat
nikola nikolka niky
oldrich olda ulrich
olga olina olinka ola
ondrej ondra
otakar ota ottokar
otto ota
patrik patrick patryk pat paddy
pavel pawel paul pal pavlik pali paja
pavla paula pavlina pavlinka paja
peter petr piotr petr peta pete petrik piotrek peti
petra peta petruska petronela
premysl premek
radek radoslav radoslaw radim
radka radoslava
rebecca becky becca
renata renatka renca reni
richard rysard ryszard rick dick ricky rich risa rysiek
robert rob bob bobby robbie robi bert roby
roman romek romanek
rostislav rosta
rudolf ruda rudy rolf
ruzena roza rozsa rose ruzenka rosie
ryszard rysiek rysio
samuel sam samo sammy
sarka sarinka
simon szymon simeon
simona sima
slavomir slavek slawomir slawek
sona sonia sofia sophia sofie sophie zofia zofka zosia zsofia zsofi sona
stanislav stanislaw stana stanley staszek stasiek standa stano
stanislava stana stanka
stefan stepan szczepan stephen steven steve stepanek stefek
stepan stepanek
susan zuzana zuzanna zsuzsanna susanna zuzka zuzia zsuzsi suzie sue susie
svatopluk svata
tamas tomi
tadeusz tadek tadeas
tereza teresa theresa terezia terka tereska teri terezka terezie teri tess
thomas tomas tomasz tom tommy tomek tomasek tomi
tibor tibi
timothy tim
vaclav waclaw vasek vena vencel wacek vasik
valentin walenty balint
vera verka wiera veruska
veronika weronika verca veronica nika
viktor wiktor victor vik
viktoria wiktoria victoria vicky viki
vilem wilhelm william vilmos will bill billy willy vilik liam vili
vit vitek vitus
vladimir wlodzimierz vlada vlodek wlodek volodymyr
vlastimil vlasta
vojtech wojciech adalbert bela vojta wojtek vojtik
walter valter walt
wieslaw wiesiek
zbigniew zbynek zbyszek
zbynek zbysek
zdenek zdenko zdzislaw zdzisiek
zdenka zdena
zoltan zoli
agoston august
abigail abby
andrea andy
barnabas barni
benedek beni
dezso rezso
dorothy dot dolly
edmund ed eddie
eleanor ellie nell nora
emily em emma
gerald gerry jerry
gregory greg
isabella isabel bella izabela iza
jeffrey jeff
jennifer jen jenny
jessica jess jessie
joshua josh
kenneth ken kenny
lawrence larry laurence
nathaniel nathan nate
pamela pam
patricia pat patty trish
raymond ray
ronald ron ronnie
theodore ted teddy theo
zachary zach zack
";

/// The lines each name stands in.
static LINES: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut lines: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (at, line) in NAMES.lines().enumerate() {
        for name in line.split(' ').filter(|name| !name.is_empty()) {
            lines.entry(name).or_default().push(at);
        }
    }
    lines
});

/// Whether two folded given names may be the same person's: `honza` and `jan`.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    match (LINES.get(a), LINES.get(b)) {
        (Some(a), Some(b)) => a.iter().any(|line| b.contains(line)),
        _ => false,
    }
}

/// Whether this is a name that stands in the list.
pub(super) fn is_known(name: &str) -> bool {
    LINES.contains_key(name)
}

/// The name that stands for all its forms, where there is just one; itself otherwise.
pub(super) fn root(name: &str) -> &str {
    static ROOTS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        NAMES.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect()
    });
    match LINES.get(name).map(Vec::as_slice) {
        Some([line]) => ROOTS.get(*line).copied().unwrap_or(name),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-16
    #[test]
    fn familiar_forms_are_the_same_name_and_others_are_not() {
        for (a, b) in [
            ("jan", "honza"),
            ("frantisek", "franta"),
            ("katarzyna", "kasia"),
            ("malgorzata", "gosia"),
            ("istvan", "pista"),
            ("robert", "bob"),
        ] {
            assert!(same_name(a, b) && same_name(b, a), "{a} {b}");
        }
        for (a, b) in [("jan", "petr"), ("jana", "jan"), ("eva", "anna"), ("unheard", "unheard-of")]
        {
            assert!(!same_name(a, b), "{a} {b}");
        }
    }

    /// CON-16: the list is written as it is compared.
    #[test]
    fn the_list_is_folded() {
        for name in NAMES.split_ascii_whitespace() {
            assert_eq!(crate::contacts::fold::fold(name), name);
            assert!(is_known(root(name)));
        }
    }
}
