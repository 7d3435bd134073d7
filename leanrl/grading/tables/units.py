r"""The units that a value may have: each row is a dimension, a scale and the names of the unit.

The scale is what one of it is in the first unit of its dimension; `pi` in it stands for its first power. A name may
stand in several rows: a degree is an angle or a temperature. A unit in no row is no unit.
"""

from leanrl.grading.tables.nouns import COUNTED_IN_CHINESE

# Dimensions with their powers (1 is left out for one alone) -> rows "scale: names", where a scale may be followed by an
# offset in kelvin. Names are compared in lower case, plurals are written out.
NAMES: dict[str, str] = {
    "length": """
        1: meter meters metre metres 米 公尺 metern metro metros mètre mètres метр метра метров м
        1000: 公里 千米 kilómetro kilómetros kilometros kilomètre kilomètres километр километра километров км
        1/10: 分米 дм
        1/100: 厘米 公分 zentimeter centímetro centímetros centimetros centimètre centimètres см
        1/100: сантиметр сантиметра сантиметров
        1/1000: 毫米 milímetro milímetros milimetros millimètre millimètres миллиметр миллиметра миллиметров мм
        1/1000000: micron microns 微米
        1/1000000000: 纳米
        254/10000: inch inches
        3048/10000: foot feet 英尺
        9144/10000: yard yards
        1609344/1000: mile miles 英里
        1852: nautical_mile nautical_miles
        9460730472580800: light-year light-years light_year light_years lightyear lightyears
        149597870700: astronomical_unit astronomical_units
        1/10000000000: angstrom angstroms
        30856775814913673: parsec parsecs
        20116800/100000: furlong furlongs
        1000/3: 里
        1/3: 尺
    """,
    "mass": """
        1: gram grams gramme grammes 克 gramm gramo gramos грамм грамма граммов г гр
        1000: 千克 公斤 kilo kilos kilogramm kilogramo kilogramos килограмм килограмма килограммов кг
        500: 斤
        1/1000: 毫克
        1000000: tonne tonnes metric_ton metric_tons 吨 tonnen tonelada toneladas тонна тонны тонн
        90718474/100: ton tons
        45359237/100000: pound pounds lbs
        45359237/1600000: ounce ounces
        1/5: carat carats
    """,
    "time": """
        1: second seconds sec secs 秒 秒钟 sekunde sekunden seconde secondes segundo segundos секунда секунды секунд с
        60: minute minutes mins 分 分钟 minuten minuto minutos минута минуты минут мин
        3600: hour hours hrs 小时 时 時間 个小时 stunde stunden std heure heures hora horas час часа часов ч
        86400: day days 天 日 tage tagen jour jours día días dia dias день дня дней
        604800: week weeks 周 星期 个星期 woche wochen semaine semaines semana semanas неделя недели недель
        1209600: fortnight fortnights
    """,
    "month": """
        1: month months 个月 月 monat monate monaten mois mes meses месяц месяца месяцев мес
        12: year years yr yrs 年 jahr jahre jahren année années 岁 ans año años год года лет
        120: decade decades
        1200: century centuries
        12000: millennium millennia
    """,
    "angle": """
        1: degree degrees deg 度 grad grado grados degré degrés градус градуса градусов
        1/60: arcminute arcminutes
        1/3600: arcsecond arcseconds
        360: revolution revolutions turn turns rotation rotations rev revs
        180/pi: radian radians rad rads 弧度
        9/10: gradian gradians
    """,
    "solid_angle": "1: steradian steradians",
    "current": "1: ampere amperes amp amps 安培 安",
    "substance": "1: mole moles 摩尔",
    "luminosity": "1: candela candelas",
    "data": "1: bit bits\n8: byte bytes",
    "USD": """
        1: dollar dollars us_dollar us_dollars bucks buck 美元 dólar dólares
        1/100: cent cents penny pennies
    """,
    "EUR": "1: euro euros 欧元",
    "GBP": "1: pound pounds quid 英镑\n1/100: pence",
    "INR": "1: rupee rupees rs 卢比\n1/100: paise paisa",
    "CNY": "1: yuan rmb 元 块钱 人民币\n1/10: jiao 角\n1/100: fen",
    "JPY": "1: yen 円 日元",
    "KRW": "1: won 원",
    "RUB": "1: ruble rubles rouble roubles рубль рубля рублей руб\n1/100: kopeck kopecks kopek kopeks",
    "CHF": "1: franc francs",
    "MXN": "1: peso pesos",
    "volume_of_sound": "1: decibel decibels",
    "ordinal": "1: th",
    "fraction": """
        1/100: % percentage_point percentage_points prozentpunkte
        1/1000: ‰
        1/10000: basis_point basis_points
        1/1000000: ppm
    """,
    "data 1 time -1": "1: bps",
    "length -2": "1609344000000000/3785411784: mpg",
    "#word 1 time -1": "1/60: wpm",
    "#beat 1 time -1": "1/60: bpm",
    "angle 1 time -1": "6: rpm",
    "length 2": """
        40468564224/10000000: acre acres
        10000: hectare hectares 公顷
        2000/3: 亩
    """,
    "length 3": """
        1/1000: liter liters litre litres 升 litern litro litros литр литра литров л
        1/1000000: 毫升 мл centimètre_cube centimètres_cubes
        1: mètre_cube mètres_cubes
        3785411784/1000000000000: gallon gallons
        3785411784/4000000000000: quart quarts
        3785411784/8000000000000: pint pints
        3785411784/16000000000000: cup cups
        3785411784/128000000000000: fluid_ounce fluid_ounces
        3785411784/256000000000000: tablespoon tablespoons tbsp
        3785411784/768000000000000: teaspoon teaspoons tsp
    """,
    "length 1 time -1": "1609344/3600000: mph\n10/36: kph kmh kmph\n1852/3600: knot knots",
    "time -1": "1: hertz 赫兹\n1/60: rpm",
    "mass 1 length 1 time -2": "1000: newton newtons 牛顿 牛\n444822/100: pound-force lbf\n1/100: dyne dynes",
    "mass 1 length 2 time -2": """
        1000: joule joules 焦耳 焦
        4184: calorie calories cal
        1/10000: erg ergs
        1602176634/10000000000000000000000000: electronvolt electronvolts electron-volt electron-volts
        3600000000: kilowatt-hour kilowatt-hours kilowatt_hour kilowatt_hours 度
    """,
    "mass 1 length 2 time -3": "1000: watt watts 瓦特 瓦\n745700: horsepower",
    "mass 1 length -1 time -2": """
        1000: pascal pascals 帕
        101325000: atmosphere atmospheres
        6894757: psi
        101325000/760: torr mmhg
    """,
    "mass 1 length 2 time -3 current -1": "1000: volt volts 伏特 伏",
    "mass 1 length 2 time -3 current -2": "1000: ohm ohms 欧姆 欧",
    "current 1 time 1": "1: coulomb coulombs 库仑",
    "mass -1 length -2 time 4 current 2": "1/1000: farad farads",
    "mass 1 time -2 current -1": "1000: tesla teslas\n1/10: gauss",
    "mass 1 length 2 time -2 current -2": "1000: henry henries",
    "mass 1 length 2 time -2 current -1": "1000: weber webers",
    "temperature": """
        1: kelvin kelvins °_k
        1 5463/20: celsius °_celsius degree_celsius degrees_celsius centigrade °_c degree_c degrees_c deg_c ℃
        1 5463/20: ° degree degrees
        5/9 45967/180: fahrenheit °_fahrenheit degree_fahrenheit degrees_fahrenheit °_f degree_f degrees_f deg_f
        5/9 45967/180: ° degree degrees
    """,
}

# Symbols are compared as they are written. Each prefix may stand before each of the first kind.
PREFIXES: dict[str, int] = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "d": -1, "c": -2, "m": -3,
    "µ": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
LONG_PREFIXES: dict[str, int] = {
    "peta": 15, "tera": 12, "giga": 9, "mega": 6, "kilo": 3, "hecto": 2, "deca": 1, "deka": 1, "deci": -1, "centi": -2,
    "milli": -3, "micro": -6, "nano": -9, "pico": -12,
}  # fmt: skip
# Symbol -> the name whose rows it takes.
PREFIXED_SYMBOLS: dict[str, str] = {
    "m": "meter", "g": "gram", "s": "second", "L": "liter", "l": "liter", "ℓ": "liter", "A": "ampere", "K": "kelvin",
    "mol": "mole", "Hz": "hertz", "N": "newton", "J": "joule", "W": "watt", "Pa": "pascal", "V": "volt", "Ω": "ohm",
    "C": "coulomb", "F": "farad", "T": "tesla", "H": "henry", "Wb": "weber", "cal": "calorie", "B": "byte",
    "eV": "electronvolt", "pc": "parsec", "bit": "bit", "bps": "bps",
    "rad": "radian",
}  # fmt: skip
SYMBOLS: dict[str, str] = {
    "h": "hour", "hr": "hour", "min": "minute", "ft": "foot", "in": "inch", "yd": "yard", "mi": "mile", "lb": "pound",
    "oz": "ounce", "gal": "gallon", "qt": "quart", "pt": "pint", "ha": "hectare", "t": "tonne", "sr": "steradian",
    "cd": "candela", "dB": "decibel", "°": "degree", "C": "celsius", "F": "fahrenheit", "Å": "angstrom",
    "atm": "atmosphere",
    "ly": "light-year", "AU": "astronomical_unit", "dyn": "dyne", "hp": "horsepower", "kWh": "kilowatt-hour",
    "Cal": "calorie", "USD": "dollar",
    "EUR": "euro", "GBP": "quid", "INR": "rupee", "RMB": "yuan", "CNY": "yuan", "JPY": "yen", "KRW": "won",
    "RUB": "ruble", "CHF": "franc", "CNY-JPY": "yuan yen", "ft-arcmin": "foot arcminute", "in-arcsec": "inch arcsecond",
    "st": "th", "nd": "th", "rd": "th",
    "Km": "kilometer", "KM": "kilometer", "Kg": "kilogram", "KG": "kilogram", "CM": "centimeter", "ML": "milliliter",
    "kms": "kilometer", "kgs": "kilogram", "cms": "centimeter", "cc": "milliliter",
}  # fmt: skip
_PREFIXED_NAMES_TEXT = """
meter metre gram gramme second liter litre ampere mole hertz newton joule watt pascal volt ohm coulomb farad
tesla byte bit calorie
"""
PREFIXED_NAMES = tuple(_PREFIXED_NAMES_TEXT.split())

# Symbols that are no product of variables where they stand bare behind a number: 5 cm, 5cm.
_CERTAIN_SYMBOLS_TEXT = """
mm cm dm km kg lb oz ft yd mi hr min ml mL dl dL kW kWh Hz kHz MHz GHz cc mol kJ kPa kcal rad nm MB GB TB KM Km
Kg KG CM ML kms kgs cms USD EUR GBP INR RMB CNY JPY atm th st nd rd eV keV MeV
kB bps kbps Mbps Gbps bit kbit Mbit Gbit mpg rpm wpm bpm mph
"""
CERTAIN_SYMBOLS = frozenset(_CERTAIN_SYMBOLS_TEXT.split())
# Letters that are a unit where a space and nothing else stands between a number and them, and the gold is a number.
_DOUBTFUL_SYMBOLS_TEXT = """
m s g h N J W V A K L l in ms mg Pa C
"""
DOUBTFUL_SYMBOLS = frozenset(_DOUBTFUL_SYMBOLS_TEXT.split())
# Signs of currencies, and their names in this table.
CURRENCY_SIGNS: dict[str, str] = {
    r"US\$": "USD", r"\$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY-JPY", "₹": "INR", "₽": "RUB", "¢": "cent",
}  # fmt: skip
# Codes that may stand before the value, as signs do.
CURRENCY_CODES = ("USD", "EUR", "GBP", "INR", "RMB", "CNY", "JPY", "KRW", "CHF", "Rs.", "Rs")

POWERS_BEFORE: dict[str, int] = {
    "square": 2, "sq": 2, "cubic": 3, "cu": 3, "平方": 2, "立方": 3, "quadrat": 2, "kubik": 3, "кв": 2, "куб": 3,
    "квадратных": 2, "квадратный": 2, "квадратные": 2, "кубических": 3, "кубический": 3, "кубические": 3,
}  # fmt: skip
POWERS_BEHIND: dict[str, int] = {
    "squared": 2, "cubed": 3, "cuadrado": 2, "cuadrados": 2, "cúbico": 3, "cúbicos": 3, "carré": 2, "carrés": 2,
    "quadrat": 2,
}  # fmt: skip
# What is written in one with what it stands before: a square metre in Chinese and German, a measure word and its noun.
JOINED = (
    "平方", "立方", "[/每]", r"[^\W\d_]{1,4}(?=每)", "[Qq]uadrat(?=[a-z]{5})", "[Kk]ubik(?=[a-z]{5})",
    rf"[个個只本支颗块件条头辆张棵名位](?=(?:{'|'.join(COUNTED_IN_CHINESE)})(?![\w]))",
)  # fmt: skip
PER = ("/", "每", "per", "pro", "por", "par", "в")
# Letters right behind a number that multiply it: 5k.
THOUSANDS_LETTERS: dict[str, int] = {"k": 3, "K": 3, "M": 6, "B": 9}
# Primes are feet and inches, behind a degree minutes and seconds.
PRIMES: dict[str, tuple[str, str]] = {"'": ("feet", "arcminutes"), "''": ("inches", "arcseconds")}
LETTERS: dict[str, str] = {r"\mu": "µ", r"\Omega": "Ω", r"\AA": "Å", r"\ell": "ℓ"}
# A value and its unit, one of several in a row: 5 ft 3 in.
PART = (
    r"(?<![\d.,^_\\])(?P<number>\d{1,12}(?:,\d{3}){0,3}(?:\.\d{1,12})?(?:\s?\\frac\s?\{\d{1,6}\}\s?\{\d{1,6}\})?)"
    r"(?:\s|\\text\s?\{){0,4}"
    r"(?P<unit>\\unit\{[^{}]{1,20}\}|°|''?|\"|\^\s?\{?\s?(?P<primes>(?:\\prime\s?){1,2})\}?"
    r"|(?:(?:square|cubic|sq|cu)\s)?[^\W\d_]{1,20}(?![^\W\d_])\.?(?:\s?\}?\s?\^\s?\{?\s?[23](?:\s?\})?)?)"
)
