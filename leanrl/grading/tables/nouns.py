"""Words for things that are counted, and the words that may stand beside them."""

from leanrl.grading.tables.numerals import CARDINALS, MULTIPLES

_COUNT_NOUNS_TEXT = """
acorn adult album animal answer ant apartment app appetizer apple apricot area arrangement arrow article
assignment attempt avocado baby bag bagel baker ball balloon banana band bar barrel base basket basketball bat beat
batch battery bead bean bear bed bee beetle bell berry bicycle bike bill bird birdhouse biscuit block blanket
blossom blouse board boat bond book bookcase bookmark boot bottle bouquet bow bowl box boy bracelet branch bread
brick bridge brother brownie brush bucket buffalo building bulb bun bunch bundle bunny burger bus bush business
butterfly button cabbage cabin cake call camel camera camp camper can candle candy canoe cap capsule car card
carnation carrot carton case cat cell chair chapter chick chicken child chip chocolate choice circle citizen
clam class classmate classroom client clip clock clown coat coconut code coin column combination comic computer
cone container contestant cookie copy corner cost couple couch course cousin cow cowboy crab cracker crate
crayon cream crew cross crow cube cucumber cupcake curve customer cut cyclist dancer dap daughter deer desk
dessert detective device diamond dice die dime diner dinner dinosaur dish divisor doctor dog doll dolphin donkey
donut door doughnut dragon drawer dress drink driver drop drum duck duckling eagle ear earring edge egg element
elephant employee engine envelope episode equation eraser error exam example exercise eye face factor family fan
farm farmer feather fence field figure finger fish fisherman flag flavor flight floor flower flute fold follower
football fork fox frame freshman friend frog fruit function game garden gate gem gift giraffe girl glass glove
goal goat goldfish grandchild grape grapefruit graph grasshopper group guest guitar hamburger hammer hamster
hand handshake hat head heart hen hexagon hive hole home horse hospital hotel house icicle idea insect
instrument integer intersection invitation island item jacket jar jewel job joke journal juice jump junior key
kid kitchen kite kitten knife lady ladybug lamb lamp language lap laptop layer leaf leg lemon lesson letter
level lid light lily line lion liquid list lizard loaf lock locker log lollipop loop lot machine magazine magnet
mailbox man mango marble mark marker mask match matrix meal medal member message milkshake minnow mirror mistake
mix model moment monkey monster motorcycle mouse movie muffin mug multiple mushroom nail name napkin necklace
needle neighbor nest newspaper nickel night node note notebook novel number nurse nut object octagon octopus
office olive onion option orange orchid order ostrich outcome outfit owl owner pack package packet page pail
paint painting pair pan pancake panda panel paper parent parrot part participant partition party pass passenger
patch path patient pattern peach peacock peanut pear pebble pedestrian pen pencil pencil_case penguin pentagon
peony pepper permutation person pet petal phone photo photograph phrase piano pickle picture pie piece pig
pigeon pillow pilot pin pine pinecone pineapple pirate pizza place plan plane planet plant plate player plot
plum point pole policeman polygon pomegranate pond pony pool popsicle possibility post postcard poster pot
potato prime prize problem product program pumpkin pupil puppy purse puzzle question quilt quiz rabbit raccoon
race radio raffle railcar rainbow rat ray reader rectangle relative report resident restaurant result ribbon
ride ring river road robot rock rocket roll room root rooster rope rose roundtable route row rug rule runner
sailor salad salesman sandwich scarf school score scout screw sculpture seashell season seat section seed
segment sentence sequence series set shape share shark sheep sheet shelf shell shift ship shirt shoe shop shot
show shrimp side sign sister sketch skirt slice slide snack snail snake sneaker snowball snowflake snowman sock
sofa soldier solution song sophomore spaceship spider spoon spot square squirrel stair stamp star starfish state
station statue step stick sticker stone stop store story strand strawberry string student subject subset sundae
sunflower swan sweater sweet swimmer switch symbol table tablet tadpole tail task taxi tea teacher team teen
teenager tennis tent term test text theater theme thing throw ticket tie tiger tile time tire toad toddler
tomato tool toothbrush toothpick topping toss tourist towel tower town toy track tractor train trait tray
treasure tree triangle trick trip trophy truck trumpet tub tube tulip tuple turkey turtle twin type umbrella
uncle unicorn uniform unit value van variable vase vegetable vehicle vertex vertices video village violin visit
visitor volunteer vote voter wagon waiter walker wall walnut watch watermelon way weed whale wheel win window
winner wire wish wolf woman wood word worker workout worm wreath writer
yogurt zebra zero zone 个 個 只 本 支 颗 块 人 次
种 件 条 头 辆 张 棵 页 名 位 组 岁 台 套 座 间 朵 枚 封 瓶 杯 包 袋 箱 盒 步 层 排 班 题 道 双 对 根 片 粒 把 架 艘 개
"""
_CHINESE_TEXT = """
苹果 人 学生 同学 男生 女生 老师 孩子 小朋友 球 橘子 橙子 梨 桃 桃子 鸡蛋 蛋糕 糖 糖果 书 故事书 本子 笔 铅笔
花 树 鸡 鸭 兔 兔子 羊 牛 猪 狗 猫 鸟 鱼 车 汽车 自行车 船 桌子 椅子 房间 杯子 盒子 箱子 零件
数 数字 整数 质数 因数 点 三角形 正方形 长方形 图形 解 根 实数根
"""
COUNTED_IN_CHINESE = _CHINESE_TEXT.split()
COUNT_NOUNS = frozenset((*_COUNT_NOUNS_TEXT.split(), *COUNTED_IN_CHINESE))

# Things that stand for any other: 5 items agree with 5 apples.
_ANY_NOUN_TEXT = """
unit item thing object piece way value number solution 个 個 개
"""
ANY_NOUN = frozenset(_ANY_NOUN_TEXT.split())

# The same things in German, French, Spanish and Russian.
_ELSEWHERE_TEXT = """
apple: apfel äpfel pomme pommes manzana manzanas 苹果 яблоко яблока яблок
orange: orangen naranja naranjas апельсин апельсина апельсинов
pear: birne birnen poire poires pera peras груша груши груш
person: personen leute personne personnes gens persona personas 人 человек человека людей люди
student: schüler schülerin schülerinnen studenten élève élèves étudiant étudiants alumno alumnos estudiante estudiantes
student: 学生 同学 ученик ученика учеников студент студента студентов
child: kinder enfant enfants niño niños niña niñas ребёнок ребенок детей дети
boy: junge jungen garçon garçons chico chicos мальчик мальчика мальчиков
girl: mädchen fille filles chica chicas девочка девочки девочек
book: buch bücher livre livres libro libros 书 книга книги книг
pencil: bleistift bleistifte lápiz lápices карандаш карандаша карандашей
car: auto autos voiture voitures coche coches машина машины машин
ball: bälle balle balles boule boules pelota pelotas bola bolas мяч мяча мячей шар шара шаров
marble: murmel murmeln billes canica canicas
egg: eier œuf œufs oeuf oeufs huevo huevos 鸡蛋 яйцо яйца яиц
ticket: karten billet billets boleto boletos entrada entradas билет билета билетов
cookie: keks kekse biscuits galleta galletas печенья
candy: bonbon bonbons caramelo caramelos конфета конфеты конфет
coin: münze münzen pièce pièces moneda monedas монета монеты монет
number: zahl zahlen nombre nombres número números число числа чисел
way: wege möglichkeit möglichkeiten façons manières maneras formas способ способа способов
solution: lösung lösungen solución soluciones решение решения решений
point: punkt punkte punkten punto puntos очко очка очков балл балла баллов
piece: stück stücke stücken morceau morceaux pieza piezas trozos штука штуки штук шт
time: mal fois veces vez раз раза
dog: hund hunde chien chiens perro perros собака собаки собак
cat: katze katzen gato gatos кошка кошки кошек
chicken: huhn hühner poule poules pollo pollos gallina gallinas курица курицы куриц
cow: kuh kühe vache vaches vaca vacas корова коровы коров
flower: blume blumen fleur fleurs flor flores цветок цветка цветов
tree: baum bäume arbre arbres árbol árboles дерево дерева деревьев
page: seite seiten página páginas страница страницы страниц
box: kiste kisten schachtel schachteln boîte boîtes caja cajas коробка коробки коробок
bottle: flasche flaschen bouteille bouteilles botella botellas бутылка бутылки бутылок
"""
_ROWS = map(str.split, _ELSEWHERE_TEXT.strip().splitlines())

SINGULARS = {
    "people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse",
    "geese": "goose", "feet": "foot", "teeth": "tooth", "leaves": "leaf", "loaves": "loaf", "knives": "knife",
    "wolves": "wolf", "shelves": "shelf", "scarves": "scarf", "dice": "die", "vertices": "vertex", "matrices": "matrix",
    "grandchildren": "grandchild", "fishermen": "fisherman", "freshmen": "freshman", "policemen": "policeman",
    "snowmen": "snowman", "salesmen": "salesman", "cowboys": "cowboy", "buses": "bus", "glasses": "glass",
    "avocadoes": "avocado", "brownies": "brownie", "buffaloes": "buffalo", "cookies": "cookie", "mangoes": "mango",
    "movies": "movie", "octopuses": "octopus", "potatoes": "potato", "tomatoes": "tomato", "zeroes": "zero",
    **{word: noun.removesuffix(":") for noun, *words in _ROWS for word in words},
}  # fmt: skip

# Words that say which of the things: two that differ are two answers, one that is left out is none.
_QUALIFIERS_TEXT = """
adjacent big black blue brown clean complex consecutive correct cubic defective different distinct empty even
fair favorable female free fresh full gold gray green grey identical integer integral large left-handed little
long male more negative new nonzero odd old orange ordered other pink plastic positive possible prime purple
rational real red remaining right rotten round separate short silver single small solid square striped tall
total unique used valid whole white wooden yellow apple baseball basketball bus chicken chocolate comic egg
flower football paper pizza soccer tennis toy video water flour sugar milk rice candy gum cheese bread chalk
work time rope fabric ribbon wire paint soil gas gasoline fuel juice lemonade tea coffee oil sand salt butter
honey cake meat beef fish corn hay grass wood land pie gold silver homework sleep practice exercise age travel
"""
QUALIFIERS = frozenset(_QUALIFIERS_TEXT.split())
# Words that add nothing.
_FILLERS_TEXT = """
of in the a an total altogether all each every apiece long wide tall high deep old away apart exactly
"""
FILLERS = frozenset(_FILLERS_TEXT.split())
# Those that may stand behind a number alone: 5 in all, 5 each.
_ALONE_TEXT = """
total altogether all each apiece
"""
ALONE = frozenset(_ALONE_TEXT.split())

# Words that say which number is meant; none of them is a noun of a problem, whatever it stands behind.
_NUMBER_WORDS_TEXT = """
grand myriad half third quarter couple few several many first second third fourth fifth
sixth seventh eighth ninth tenth once twice thrice double triple quadruple
"""
NUMBER_WORDS = frozenset((*CARDINALS, *MULTIPLES, *_NUMBER_WORDS_TEXT.split()))
# Operators, signs, comparisons, and the little words of a sentence.
_NO_NOUNS_TEXT = """
plus minus times divided multiplied over mod modulo squared cubed factorial power powers root fold percents
percentages point negative positive below under above behind loss debt deficit less more fewer least most
greater larger smaller lower higher than maximum minimum twos fives sixes nines thous bps ppm base
and nor not but yet for with without within from into onto off out per the this that these those his her hers
its our their theirs your who whom whose which what where when why how does did has had have was were are been being
can could will would should must may might shall isn aren wasn equals gives makes becomes costs leaves needs weighs
takes goes gets left remaining away ago later before after about around approximately roughly exactly almost nearly
only other others another else also too very each every any some all both none never always
sin cos tan cot sec csc log exp gcd lcm det max min lim sum abs deg arcsin arccos arctan sinh cosh tanh
add subtract divide multiply added subtracted increased decreased reduced doubled tripled halved quadrupled
plusses minuses yes wrong false incorrect
"""
NO_NOUNS = frozenset(_NO_NOUNS_TEXT.split())
