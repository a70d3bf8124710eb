"""What a town is called in Chinese: in simplified script, as in mainland China, and in traditional, as in Taiwan."""

from __future__ import annotations

import re
from functools import cache

from opencc import OpenCC

# Names looked at one by one, by the gazetteer's number of the town. One name: it is written in either script;
# two: simplified and traditional.
REVIEWED: dict[int, str | tuple[str, str]] = {
    # The gazetteer's name is of another place, half translated, out of use or not what it is called today.
    5324200: "安蒂奥克",  # Antioch
    5323810: ("阿纳海姆", "安那翰"),  # Anaheim
    5339631: "科罗纳",  # Corona
    4006702: ("恩塞纳达", "恩森那達"),  # Ensenada
    5364499: "埃尔西诺湖城",  # Lake Elsinore
    5372253: "默塞德",  # Merced
    5402405: "千橡",  # Thousand Oaks
    5401395: "特梅库拉",  # Temecula
    5601933: "南帕",  # Nampa
    2661604: "巴塞尔",  # Basel
    3176959: ("佛罗伦萨", "佛羅倫斯"),  # Florence
    3177090: "费拉拉",  # Ferrara
    3181355: "布斯托阿西齐奥",  # Busto Arsizio
    3181913: "博尔扎诺",  # Bolzano
    3182164: "贝加莫",  # Bergamo
    4180386: "阿森斯",  # Athens
    4747845: "布莱克斯堡",  # Blacksburg
    4752031: ("夏洛茨维尔", "夏洛特維爾"),  # Charlottesville
    4781530: "雷斯顿",  # Reston
    2753638: "霍伦",  # Hoorn
    2754454: "海勒富特斯勒伊斯",  # Hellevoetsluis
    2789786: "奥斯坦德",  # Ostend
    2800866: "布鲁塞尔",  # Brussels
    2800931: "布鲁日",  # Brugge
    3020686: ("敦刻尔克", "敦克爾克"),  # Dunkerque
    3247449: "亚琛",  # Aachen
    5034059: "莱克维尔",  # Lakeville
    5034767: "莱诺莱克斯",  # Lino Lakes
    5039978: "奥克代尔",  # Oakdale
    5251436: "欧克莱尔",  # Eau Claire
    # Mainland China and Taiwan call it differently, not only in another script.
    5327684: ("伯克利", "柏克萊"),  # Berkeley
    5350734: ("弗里蒙特", "費利蒙"),  # Fremont
    5367440: ("利弗莫尔", "利佛摩"),  # Livermore
    5387877: ("里弗赛德", "河濱市"),  # Riverside
    5389489: ("萨克拉门托", "沙加緬度"),  # Sacramento
    5391811: ("圣迭戈", "聖地牙哥"),  # San Diego
    5392171: ("圣何塞", "聖荷西"),  # San Jose
    5392423: ("圣马特奥", "聖馬刁"),  # San Mateo
    5392952: ("圣巴巴拉", "聖塔芭芭拉"),  # Santa Barbara
    5393049: ("圣克拉丽塔", "聖塔克拉利塔"),  # Santa Clarita
    5393052: ("圣克鲁斯", "聖塔克魯茲"),  # Santa Cruz
    5393287: ("圣罗莎", "聖塔羅莎"),  # Santa Rosa
    2659811: ("卢塞恩", "琉森"),  # Luzern
    2661552: ("伯尔尼", "伯恩"),  # Bern
    2766824: ("萨尔茨堡", "薩爾斯堡"),  # Salzburg
    2925177: ("弗赖堡", "弗萊堡"),  # Freiburg
    3028808: ("戛纳", "坎城"),  # Cannes
    3165185: ("的里雅斯特", "第里雅斯特"),  # Trieste
    3165524: ("都灵", "杜林"),  # Turin
    3181928: ("博洛尼亚", "波隆那"),  # Bologna
    4299276: ("路易斯维尔", "路易維爾"),  # Louisville
    4464368: ("达勒姆", "德罕"),  # Durham
    4644585: ("纳什维尔", "納許維爾"),  # Nashville
    4781708: ("里士满", "里奇蒙"),  # Richmond
    4791259: ("弗吉尼亚海滩", "維吉尼亞海灘"),  # Virginia Beach
    5150529: ("克利夫兰", "克里夫蘭"),  # Cleveland
    2745912: ("乌得勒支", "烏特勒支"),  # Utrecht
    2751283: ("马斯特里赫特", "馬斯垂克"),  # Maastricht
    2756253: ("埃因霍温", "恩荷芬"),  # Eindhoven
    5037649: ("明尼阿波利斯", "明尼亞波利斯"),  # Minneapolis
    5043473: ("罗切斯特", "羅徹斯特"),  # Rochester
    # The gazetteer has no Chinese name, or one too long to be told from a description.
    3985604: "圣路易斯里奥科罗拉多",  # San Luis Río Colorado
    3988392: "罗萨里托",  # Rosarito
    3991347: "佩尼亚斯科港",  # Puerto Peñasco
    5334336: "卡迈克尔",  # Carmichael
    5372205: "梅尼菲",  # Menifee
    5394409: "诺斯希尔斯",  # North Hills
    5503766: "恩特普赖斯",  # Enterprise
    5546220: "圣乔治",  # Saint George
    2658822: "圣加仑",  # Sankt Gallen
    2891621: "肯普滕",  # Kempten
    3164376: "维杰瓦诺",  # Vigevano
    3164419: "维琴察",  # Vicenza
    3164433: "维亚雷焦",  # Viareggio
    3165072: "乌迪内",  # Udine
    3166548: ("锡耶纳", "西恩納"),  # Siena
    3167022: "萨沃纳",  # Savona
    3169361: "里米尼",  # Rimini
    3169522: "雷焦艾米利亚",  # Reggio nell'Emilia
    3170621: "皮斯托亚",  # Pistoia
    3171173: "佩萨罗",  # Pesaro
    3171457: "帕尔马",  # Parma
    3172189: "诺瓦拉",  # Novara
    3173331: "摩德纳",  # Modena
    3173775: "马萨",  # Massa
    3174659: "利沃诺",  # Livorno
    3175081: "拉斯佩齐亚",  # La Spezia
    3175537: "伊莫拉",  # Imola
    3175786: "格罗塞托",  # Grosseto
    3176746: "弗利",  # Forlì
    3176854: "福利尼奥",  # Foligno
    3177700: "库内奥",  # Cuneo
    3182714: "阿斯蒂",  # Asti
    3182884: "阿雷佐",  # Arezzo
    3183299: "亚历山德里亚",  # Alessandria
    4259418: "印第安纳波利斯",  # Indianapolis
    4352053: "哥伦比亚",  # Columbia
    4372599: "沃尔多夫",  # Waldorf
    4460162: "教堂山",  # Chapel Hill
    4461574: "康科德",  # Concord
    4469160: "格林维尔",  # Greenville
    4472370: "亨特斯维尔",  # Huntersville
    4473083: ("杰克逊维尔", "傑克遜維爾"),  # Jacksonville
    4488762: "罗基芒特",  # Rocky Mount
    4499389: "威尔逊",  # Wilson
    4593142: "罗克希尔",  # Rock Hill
    4751839: "森特维尔",  # Centreville
    4755158: "戴尔城",  # Dale City
    4756955: "东汉普顿",  # East Hampton
    4883817: "奥罗拉",  # Aurora
    4898015: "乔利埃特",  # Joliet
    5110266: "布朗克斯",  # The Bronx
    5139568: ("斯塔滕岛", "史泰登島"),  # Staten Island
    6331909: "约翰斯克里克",  # Johns Creek
    2744911: "韦尔特",  # Weert
    2745634: "芬赖",  # Venray
    2746005: "于登",  # Uden
    2746331: "蒂尔",  # Tiel
    2746420: "泰尔讷曾",  # Terneuzen
    2747351: "斯海尔托亨博斯",  # 's-Hertogenbosch
    2750947: "梅珀尔",  # Meppel
    2753376: "艾默伊登",  # IJmuiden
    2754394: "亨厄洛",  # Hengelo
    2754848: "哈尔德韦克",  # Harderwijk
    2756429: "埃德",  # Ede
    2756767: "杜廷赫姆",  # Doetinchem
    2759875: "莱茵河畔阿尔芬",  # Alphen aan den Rijn
    2759879: "阿尔梅勒",  # Almere Stad
    2803448: "阿尔斯特",  # Aalst
    2869894: "门兴格拉德巴赫",  # Mönchengladbach
    2887835: "克莱沃",  # Kleve
    5016024: "艾伯特利",  # Albert Lea
    5016884: "奥斯汀",  # Austin
    5018739: ("布卢明顿", "布魯明頓"),  # Bloomington
    5019588: "布法罗",  # Buffalo
    5029500: "黑斯廷斯",  # Hastings
    5036420: "曼凯托",  # Mankato
    5040647: "奥沃通纳",  # Owatonna
    5042773: "雷德温",  # Red Wing
    5044407: "圣克劳德",  # Saint Cloud
    5052361: "西库恩拉皮兹",  # West Coon Rapids
    5052916: "威尔默",  # Willmar
    5053156: "威诺纳",  # Winona
    5460459: "卡尔斯巴德",  # Carlsbad
    5471578: "霍布斯",  # Hobbs
    5517061: "比格斯普林",  # Big Spring
}
# Characters that spell a sound in a foreign name and stay as they are in traditional script: the conversion
# takes them for words (里 for “inside”, 布 for “to spread”).
SOUNDS = str.maketrans("裏託佈剋於紮", "里托布克于扎")


def chinese_names(town: int, names: list[str]) -> tuple[str | None, str | None]:
    """A town's name in simplified and in traditional script; None where it has no Chinese name.

    Parameters
    ----------
    town : the gazetteer's number.
    names : its names in all languages, which do not say their language.
    """
    name = REVIEWED.get(town) or everyday_name(names)
    if name is None:
        return None, None
    if isinstance(name, tuple):
        return name
    # One name may mix the scripts: to simplified first, so that either way each character is converted.
    simplified = _converter("t2s").convert(name)
    return simplified, _converter("s2t").convert(simplified).translate(SOUNDS)


def everyday_name(names: list[str]) -> str | None:
    """The Chinese name among a town's names in all languages, which do not say their language.

    Notes
    -----
    Names in Han characters only; simplified ones (those that GB 2312 can write) before others, then the
    shortest, the everyday one; of equals the last, which the gazetteer's editors added to correct the first.
    """
    han = [name for name in names if re.fullmatch(r"[\u4e00-\u9fff]{2,6}([-·][\u4e00-\u9fff]{1,6})?", name)]
    return min(reversed(han), key=lambda name: (not _is_simplified(name), len(name)), default=None)


def _is_simplified(name: str) -> bool:
    try:
        name.replace("·", "").encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _converter(direction: str) -> OpenCC:
    return OpenCC(direction)
