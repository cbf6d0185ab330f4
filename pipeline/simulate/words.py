"""What people talk about: subjects with their things, doings and qualities, and the small change of everyday writing.

Written for this project. A subject holds words that go together, so that a request stays on its subject.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Subject(NamedTuple):
    """Things (nouns), doings (verbs, base form), qualities (adjectives), settings (where or for what)."""

    name: str
    things: tuple[str, ...]
    doings: tuple[str, ...]
    qualities: tuple[str, ...]
    settings: tuple[str, ...]


def _subject(name: str, things: str, doings: str, qualities: str, settings: str) -> Subject:
    return Subject(name, *(tuple(part.split("|")) for part in (things, doings, qualities, settings)))


SUBJECTS: Final = (
    _subject(
        "databases",
        "index|query plan|foreign key|migration|join|view|partition|replica|transaction log|deadlock|connection pool|schema|trigger|vacuum job|primary key|cursor|backup|lock|row count|aggregate|window function|null column|timestamp column|stored procedure|shard",
        "rebuild|tune|drop|archive|normalise|restore|rename|split|benchmark|lock|backfill|replicate",
        "slow|bloated|nested|stale|unindexed|composite|legacy|read-only|partial|huge",
        "on the billing cluster|for the nightly report|after the last upgrade|in our staging copy|with forty million rows|on a tiny server|for one tenant only",
    ),
    _subject(
        "web development",
        "login form|navbar|stylesheet|service worker|cookie banner|carousel|dropdown|router|build step|font file|favicon|landing page|grid layout|checkbox|dark theme|tooltip|bundle|hydration error|websocket|sidebar|image gallery|modal|session token|redirect|sitemap",
        "centre|debounce|lazy-load|minify|style|animate|cache|refactor|deploy|render|validate|prefetch",
        "responsive|sticky|blurry|accessible|flickering|nested|oversized|unstyled|broken|minimal",
        "on older phones|for a bakery site|behind the proxy|in private browsing|for screen readers|with no framework|for the admin area",
    ),
    _subject(
        "cooking",
        "lentil soup|sourdough starter|pie crust|curry paste|roast chicken|custard|risotto|flatbread|marinade|stock pot|pickled onions|meringue|dumplings|gravy|omelette|rice pudding|stew|pesto|brisket|fruit tart|noodle broth|vinaigrette|oven tray|cast iron pan|spice rack",
        "braise|knead|reduce|season|chill|freeze|reheat|thicken|caramelise|proof|marinate|plate",
        "soggy|too salty|creamy|crisp|gluten-free|leftover|smoky|bland|dairy-free|overcooked",
        "for twelve guests|without an oven|on a camping stove|for a picky toddler|with what is in the pantry|the evening before|at high altitude",
    ),
    _subject(
        "travel",
        "night train|layover|visa form|hostel|rental car|ferry|city pass|hiking trail|boarding pass|carry-on bag|border crossing|museum day|travel insurance|phone plan|airport transfer|guided tour|itinerary|campsite|old town|fishing village|viewpoint|street market|passport photo|bus route|island",
        "book|cancel|pack|reach|postpone|combine|upgrade|skip|plan|extend|refund|compare",
        "cheap|crowded|overnight|scenic|last-minute|kid-friendly|remote|rainy|delayed|walkable",
        "in late October|with two small children|on a student budget|from the north coast|without a car|over a long weekend|for our anniversary",
    ),
    _subject(
        "office mail",
        "follow-up|apology|salary review|meeting invite|reference letter|farewell note|project update|complaint|out-of-office reply|cover letter|invoice reminder|onboarding plan|feedback form|status report|contract renewal|team announcement|resignation|quarterly summary|agenda|expense claim|handover document|job posting|promotion request|survey|minutes",
        "soften|shorten|rewrite|decline|answer|proofread|forward|structure|translate|escalate|summarise|reschedule",
        "formal|friendly|blunt|overdue|confidential|awkward|long-winded|polite|urgent|unclear",
        "for my manager|to a difficult client|after the merger|before the holidays|for the whole department|to the landlord|in a warmer tone",
    ),
    _subject(
        "gardening",
        "tomato plants|compost heap|rose bush|lawn|raised bed|greenhouse|hedge|seedlings|drip hose|apple tree|lavender|slugs|clay soil|mulch|herb spiral|pond|trellis|potting mix|bulbs|aphids|strawberry patch|rain barrel|fig tree|pruning saw|wildflower strip",
        "prune|repot|water|sow|fertilise|transplant|harvest|shade|weed|thin|graft|winterise",
        "wilted|leggy|shady|overgrown|frost-hardy|yellowing|waterlogged|native|stunted|fragrant",
        "on a north balcony|after three weeks of rain|in sandy ground|near the old wall|before the first frost|in a rented garden|with almost no time",
    ),
    _subject(
        "personal finance",
        "emergency fund|mortgage|index fund|tax return|credit score|pension|student loan|budget sheet|savings account|dividend|side income|car lease|insurance premium|standing order|bond ladder|exchange rate|capital gain|rent increase|payslip|inheritance|child benefit|balance transfer|deposit|joint account|utility bill",
        "refinance|invest|compare|consolidate|withdraw|deduct|forecast|split|renegotiate|track|repay|diversify",
        "variable|tax-free|monthly|overdue|risky|fixed-rate|unexpected|joint|taxable|tiny",
        "for a freelancer|after moving abroad|with irregular income|before the deadline|at thirty-four|for two households|in a high inflation year",
    ),
    _subject(
        "fitness",
        "squat form|marathon plan|sore knee|resting heart rate|protein intake|stretch routine|deadlift|swimming lane|step count|foam roller|recovery day|cadence|pull-ups|kettlebell|warm-up|plateau|running shoes|core exercise|sleep score|hill sprint|shoulder mobility|yoga flow|treadmill|interval session|grip strength",
        "improve|stretch|warm up|alternate|log|progress|deload|strengthen|schedule|measure|pace|recover from",
        "stiff|beginner|weekly|painful|balanced|low-impact|explosive|uneven|short|steady",
        "with a desk job|after an ankle sprain|in a small flat|before a half marathon|past fifty|without equipment|during night shifts",
    ),
    _subject(
        "history",
        "trade route|guild|siege|plague year|land reform|treaty|dynasty|railway boom|colonial port|harvest failure|printing press|city wall|tax revolt|census|salt road|shipyard|monastery|border war|coinage|suffrage march|cotton mill|canal|peace conference|archive letter|peasant diary",
        "trace|date|contrast|explain|retell|question|map|attribute|summarise|situate|source|debate",
        "medieval|forgotten|contested|maritime|imperial|rural|early modern|oral|provincial|revolutionary",
        "in the northern provinces|for a school talk|around the inland sea|from a merchant's view|before the unification|for a museum label|between the two wars",
    ),
    _subject(
        "biology",
        "cell membrane|enzyme|gene expression|gut bacteria|photosynthesis|nerve signal|antibody|food web|pollinator|mutation|stem cell|virus capsid|migration pattern|hormone|fungus|protein fold|predator|seed dormancy|immune memory|coral reef|blood type|yeast culture|chromosome|tissue sample|circadian rhythm",
        "explain|label|model|inhibit|observe|classify|culture|sequence|compare|dissect|regulate|measure",
        "recessive|symbiotic|invasive|dormant|cold-blooded|acidic|nocturnal|resistant|marine|single-celled",
        "for a first-year exam|in freshwater|under the microscope|at low temperature|in simple words|for a poster|in the rain forest",
    ),
    _subject(
        "spreadsheets",
        "pivot table|lookup formula|conditional format|date column|named range|macro|chart axis|drop-down list|filter view|cell reference|duplicate row|percentage|merged cell|csv import|running total|sheet protection|rounding error|sparkline|text split|blank cell|criteria range|weekly roster|stock list|error value|print area",
        "sum|merge|split|highlight|import|sort|lock|count|transpose|clean|total|round",
        "circular|hidden|blank|dynamic|nested|mismatched|volatile|filtered|weighted|shared",
        "for the warehouse|across nine tabs|with regional dates|for a holiday roster|without macros|for the treasurer|from a bank export",
    ),
    _subject(
        "creative writing",
        "opening scene|villain|lighthouse|sonnet|twist|chapter outline|dialogue|narrator|ghost story|love letter|fantasy map|stage play|haiku|detective|river town|limerick|spaceship crew|epilogue|dragon|diary entry|fairy tale|rival sisters|short story|prophecy|heist",
        "draft|rewrite|foreshadow|outline|shorten|continue|brainstorm|describe|name|rhyme|dramatise|pace",
        "melancholy|slow-burn|unreliable|whimsical|gritty|first-person|cosy|absurd|tense|lyrical",
        "set in a drowned city|for ten-year-olds|in under two hundred words|told backwards|with no dialogue|for a writing contest|during a snowstorm",
    ),
    _subject(
        "python",
        "decorator|list comprehension|virtual environment|type hint|generator|unit test|async task|data frame|context manager|import error|regex|dictionary|class method|logging setup|subprocess call|json parser|dataclass|thread pool|command line flag|fixture|recursion limit|string format|path object|pickle file|lambda",
        "debug|profile|mock|package|annotate|vectorise|refactor|parse|iterate|serialise|wrap|test",
        "async|mutable|slow|circular|nested|deprecated|untyped|lazy|flaky|shared",
        "on Windows|inside a container|for a course project|with a million lines|in a cron job|without extra packages|for a small robot",
    ),
    _subject(
        "statistics",
        "confidence interval|regression|sample size|outlier|p-value|posterior|survey weight|box plot|residual|time series|contingency table|effect size|variance|bootstrap|prior|missing values|correlation|control group|random seed|histogram|logistic model|cluster|power analysis|quantile|baseline",
        "estimate|test|plot|interpret|simulate|adjust|fit|compare|bootstrap|report|impute|standardise",
        "skewed|biased|paired|noisy|seasonal|independent|weighted|heteroscedastic|tiny|censored",
        "for a medical trial|with thirty students|on weekly sales|for my thesis|in plain words|with repeated measures|for a wind farm",
    ),
    _subject(
        "home repair",
        "dripping tap|door hinge|fuse box|wall crack|radiator|floor tile|gutter|window seal|damp patch|light switch|shower drain|roof tile|paint roller|squeaky stair|drywall anchor|boiler|extractor fan|skirting board|cordless drill|grout|smoke alarm|loft hatch|fence post|water meter|hallway lamp",
        "seal|replace|sand|bleed|unclog|hang|insulate|tighten|patch|drill|paint|level",
        "loose|mouldy|leaky|draughty|rusty|uneven|load-bearing|outdated|noisy|stuck",
        "in a rented flat|behind the bath|on a wet wall|with basic tools|before winter|in an old farmhouse|above the kitchen",
    ),
    _subject(
        "law and paperwork",
        "lease|power of attorney|privacy notice|parking fine|non-compete|will|small claim|consumer right|warranty|trademark|visa appeal|deposit dispute|liability clause|neighbour dispute|notice period|data request|partnership deed|name change|contract draft|custody schedule|planning permit|witness statement|terms of service|refund claim|retainer",
        "contest|draft|explain|terminate|sign|appeal|review|register|enforce|clarify|notarise|serve",
        "binding|expired|one-sided|verbal|joint|disputed|unsigned|standard|ambiguous|retroactive",
        "as a tenant|for a two-person company|after the deadline|in plain language|for an online shop|across the border|without a lawyer",
    ),
    _subject(
        "music",
        "chord progression|bass line|drum loop|vocal warm-up|guitar tuning|time signature|melody|reverb|mix bus|sheet music|practice plan|bridge section|synth patch|cello suite|audition piece|key change|metronome|choir part|set list|folk song|compressor|piano pedal|sample pack|song lyric|harmony",
        "transpose|practise|record|harmonise|mix|arrange|tune|improvise|loop|master|count|rehearse",
        "minor|syncopated|muddy|upbeat|dissonant|acoustic|slow|polyphonic|catchy|modal",
        "for a wedding band|on a cheap microphone|with small hands|in a bedroom studio|for a school choir|by ear|in six weeks",
    ),
    _subject(
        "language learning",
        "verb ending|false friend|listening drill|flashcard deck|accent|tone mark|past tense|idiom|pen pal|reading list|word order|polite form|exam essay|pronunciation|preposition|grammar table|tongue twister|article|counting word|slang|dictation|subtitle|vocabulary list|cognate|letter shape",
        "memorise|pronounce|conjugate|practise|translate|contrast|drill|shadow|spell|review|correct|explain",
        "irregular|formal|silent|common|tonal|plural|regional|confusing|literal|spoken",
        "for a trip in spring|at intermediate level|with ten minutes a day|for a job interview|with my grandmother|from children's books|before the B2 exam",
    ),
    _subject(
        "physics",
        "pendulum|inclined plane|electric field|heat engine|lens|capacitor|orbit|standing wave|friction|magnetic flux|half-life|projectile|buoyancy|entropy|photon|resistor|torque|gas law|spring constant|interference pattern|dark matter|satellite|shock wave|superconductor|tide",
        "derive|calculate|explain|sketch|approximate|measure|simulate|solve|compare|predict|linearise|check",
        "damped|relativistic|charged|frictionless|rotating|ideal|coherent|nonlinear|isolated|thin",
        "on the moon|for a lab report|in two dimensions|at room temperature|with calculus|without calculus|for a physics club",
    ),
    _subject(
        "parenting",
        "bedtime routine|screen time|tantrum|lunch box|birthday party|homework fight|potty training|pocket money|first bicycle|sibling jealousy|reading habit|school switch|summer camp|nightmare|piano lesson|allergy|chore chart|babysitter|playdate|shyness|vaccination day|kindergarten start|teenage curfew|twin stroller|swimming course",
        "handle|encourage|limit|introduce|plan|explain|calm|negotiate|celebrate|postpone|praise|survive",
        "stubborn|anxious|early|gentle|consistent|noisy|sleepless|shared|playful|exhausting",
        "with a four-year-old|for separated parents|on rainy weekends|before the new baby|during exam weeks|in a bilingual family|after moving house",
    ),
    _subject(
        "small business",
        "pricing page|supplier|loyalty card|shop window|cash flow|newsletter|return policy|product label|market stall|brand name|delivery slot|customer review|seasonal sale|opening hours|staff rota|packaging|wholesale order|booking tool|stock take|slogan|franchise|business plan|webshop|gift voucher|workshop",
        "launch|price|promote|negotiate|restock|rebrand|outsource|advertise|forecast|close|automate|pitch",
        "handmade|seasonal|profitable|local|overpriced|second-hand|organic|unsold|premium|part-time",
        "for a candle maker|in a village of nine hundred|with one employee|before the trade fair|on a shoestring|for dog owners|after a bad quarter",
    ),
    _subject(
        "networks and servers",
        "firewall rule|dns record|load balancer|ssh key|container image|tls certificate|vpn tunnel|disk quota|reverse proxy|cron entry|kernel update|packet loss|mount point|log rotation|health check|ip range|swap file|raid array|user permission|boot loader|mail relay|monitoring alert|cluster node|port forward|backup script",
        "restart|renew|harden|mount|trace|migrate|throttle|expose|monitor|patch|roll back|automate",
        "unreachable|expired|self-hosted|flapping|read-only|misconfigured|idle|redundant|unencrypted|overloaded",
        "on a tiny virtual server|behind two routers|during the night shift|for a school lab|without downtime|after a power cut|on bare metal",
    ),
    _subject(
        "film and games",
        "boss fight|speedrun|plot hole|board game night|character build|soundtrack|indie game|silent film|quest line|card deck|documentary|stealth level|trilogy|house rule|open world|puzzle room|remake|horror scene|score track|final season|dice roll|strategy map|subtitle file|camera move|side character",
        "beat|explain|rank|recommend|review|balance|unlock|compare|design|spoil|storyboard|mod",
        "underrated|co-op|turn-based|confusing|slow|atmospheric|beginner-friendly|cult|animated|overhyped",
        "for six players|without spoilers|on an old laptop|for a film club|with my nephew|under two hours|from the nineties",
    ),
    _subject(
        "health",
        "migraine|blood pressure|sleep apnoea|iron level|back pain|allergy test|cough syrup|skin rash|knee brace|vitamin d|eye strain|dental crown|heart scan|food diary|tinnitus|flu shot|stomach bug|thyroid value|burnout|physio exercise|wrist pain|sun cream|contact lens|asthma spray|lab report",
        "treat|prevent|understand|track|ease|monitor|discuss|reduce|recognise|combine|manage|read",
        "chronic|mild|itchy|recurring|swollen|harmless|elevated|seasonal|sudden|untreated",
        "while breastfeeding|at sixty-eight|after a long flight|with other medicines|at my next appointment|in cold weather|for a night worker",
    ),
)  # fmt: skip

FIRST_NAMES: Final = tuple(
    "Ada|Amir|Anouk|Bela|Birgit|Bram|Carmen|Chidi|Clara|Dario|Delphine|Ebba|Elif|Emeka|Esther|Farid|Fenna|Gita|Goran|Hana|Hugo|Ines|Ivo|Jamila|Joon|Kaya|Kofi|Lars|Leila|Lino|Maeve|Malik|Marit|Mateo|Mina|Nadia|Nils|Noor|Olga|Oskar|Paloma|Petra|Quentin|Rafael|Rana|Ravi|Rosa|Sanne|Selma|Sora|Tariq|Thea|Tomas|Uma|Vera|Wanda|Xenia|Yara|Yusuf|Zora".split(
        "|"
    )
)  # fmt: skip
LAST_PARTS: Final = (
    tuple("Berg|Holm|Ester|Vand|Kar|Mor|Lind|Tal|Ros|Dun|Hart|Wil|Bar|Cor|Fen|Gal|Nor|Pel|Sten|Var".split("|")),
    tuple("man|sen|ova|berg|ini|ez|ley|wood|stad|aro|escu|ides|ford|qvist|ak|ura|ell|ier|ska|ton".split("|")),
)
SYLLABLES: Final = tuple("ba|cor|da|el|fi|gra|hel|in|jo|ka|lu|mer|no|or|pri|qua|ri|sol|ta|ul|ve|wen|xi|yo|zan|tri|mo|sta|lio|nex".split("|"))  # fmt: skip
DAYS: Final = tuple("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday".split("|"))
MONTHS: Final = tuple(
    "January|February|March|April|May|June|July|August|September|October|November|December".split("|")
)
UNITS: Final = tuple("metres|kilos|euros|minutes|litres|percent|pages|boxes|people|hours|kilometres|dollars".split("|"))
