"""Article 1 of the Universal Declaration of Human Rights, as the United Nations publish it."""

from __future__ import annotations

KNOWN = {
    "en": (
        "All human beings are born free and equal in dignity and rights. They are endowed "
        "with reason and conscience and should act towards one another in a spirit of "
        "brotherhood."
    ),
    "de": (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit "
        "Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit "
        "begegnen."
    ),
    "fr": (
        "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont "
        "doués de raison et de conscience et doivent agir les uns envers les autres dans un "
        "esprit de fraternité."
    ),
    "es": (
        "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados "
        "como están de razón y conciencia, deben comportarse fraternalmente los unos con los "
        "otros."
    ),
    "it": (
        "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono "
        "dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito "
        "di fratellanza."
    ),
    "pt": (
        "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de"
        " razão e de consciência, devem agir uns para com os outros em espírito de "
        "fraternidade."
    ),
    "nl": (
        "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn "
        "begiftigd met verstand en geweten, en behoren zich jegens elkander in een geest van "
        "broederschap te gedragen."
    ),
    "pl": (
        "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są "
        "oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu "
        "braterstwa."
    ),
    "sv": (
        "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med "
        "förnuft och samvete och bör handla gentemot varandra i en anda av broderskap."
    ),
    "da": (
        "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med "
        "fornuft og samvittighed, og de bør handle mod hverandre i en broderskabets ånd."
    ),
    "no": (
        "Alle mennesker er født frie og med samme menneskeverd og menneskerettigheter. De er "
        "utstyrt med fornuft og samvittighet og bør handle mot hverandre i brorskapets ånd."
    ),
    "fi": (
        "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille"
        " on annettu järki ja omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden "
        "hengessä."
    ),
    "cs": (
        "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni "
        "rozumem a svědomím a mají spolu jednat v duchu bratrství."
    ),
    "tr": (
        "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana "
        "sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler."
    ),
    "ro": (
        "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt "
        "înzestrate cu rațiune și conștiință și trebuie să se comporte unele față de altele "
        "în spiritul fraternității."
    ),
    "hu": (
        "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, "
        "ésszel és lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy "
        "viseltessenek."
    ),
    "id": (
        "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama. Mereka "
        "dikaruniai akal dan hati nurani dan hendaknya bergaul satu sama lain dalam semangat "
        "persaudaraan."
    ),
    "vi": (
        "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. Mọi con "
        "người đều được tạo hoá ban cho lý trí và lương tâm và cần phải đối xử với nhau trong"
        " tình bằng hữu."
    ),
    "ca": (
        "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de"
        " raó i de consciència, i han de comportar-se fraternalment els uns amb els altres."
    ),
    "gl": (
        "Tódolos seres humanos nacen libres e iguais en dignidade e dereitos e, dotados como "
        "están de razón e conciencia, débense comportar fraternalmente uns cos outros."
    ),
    "sk": (
        "Všetci ľudia sa rodia slobodní a sebe rovní, čo sa týka ich dôstojnosti a práv. Sú "
        "obdarení rozumom a majú navzájom jednať v bratskom duchu."
    ),
    "hr": (
        "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima. Ona su "
        "obdarena razumom i sviješću i trebaju jedno prema drugome postupati u duhu bratstva."
    ),
    "sl": (
        "Vsi ljudje se rodijo svobodni in imajo enako dostojanstvo in enake pravice. "
        "Obdarjeni so z razumom in vestjo in bi morali ravnati drug z drugim kakor bratje."
    ),
    "et": (
        "Kõik inimesed sünnivad vabadena ja võrdsetena oma väärikuselt ja õigustelt. Neile on"
        " antud mõistus ja südametunnistus ja nende suhtumist üksteisesse peab kandma "
        "vendluse vaim."
    ),
    "af": (
        "Alle menslike wesens word vry, met gelyke waardigheid en regte, gebore. Hulle het "
        "rede en gewete en behoort in die gees van broederskap teenoor mekaar op te tree."
    ),
    "ru": (
        "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены "
        "разумом и совестью и должны поступать в отношении друг друга в духе братства."
    ),
    "uk": (
        "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені "
        "розумом і совістю і повинні діяти у відношенні один до одного в дусі братерства."
    ),
    "bg": (
        "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с "
        "разум и съвест и следва да се отнасят помежду си в дух на братство."
    ),
    "sr": (
        "Сва људска бића рађају се слободна и једнака у достојанству и правима. Она су "
        "обдарена разумом и свешћу и треба једни према другима да поступају у духу братства."
    ),
    "hi": (
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त "
        "है। उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से"
        " बर्ताव करना चाहिए।"
    ),
    "ar": (
        "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم "
        "أن يعامل بعضهم بعضًا بروح الإخاء."
    ),
    "he": (
        "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, "
        "לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה."
    ),
    "zh": ("人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"),
    "ja": (
        "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等であ"
        "る。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければ"
        "ならない。"
    ),
    "ko": (
        "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. "
        "인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동"
        "하여야 한다."
    ),
    "el": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. "
        "Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ "
        "τους με πνεύμα αδελφοσύνης."
    ),
    "th": (
        "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ "
        "ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ"
    ),
}

UNKNOWN = {
    "fa": (
        "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند. همه دارای "
        "عقل و وجدان هستند و باید نسبت به یکدیگر با روح برادری رفتار کنند."
    ),
    "ur": (
        "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔ انہیں ضمیر اور عقل ودیعت ہوئی ہے۔"
    ),
    "la": (
        "Omnes homines dignitate et iure liberi et pares nascuntur, rationis et conscientiae "
        "participes sunt, quibus inter se concordiae studio est agendum."
    ),
    "eo": (
        "Ĉiuj homoj estas denaske liberaj kaj egalaj laŭ digno kaj rajtoj. Ili posedas racion"
        " kaj konsciencon, kaj devus konduti unu al alia en spirito de frateco."
    ),
    "sw": (
        "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. Wote wamejaliwa akili na "
        "dhamiri, hivyo yapasa watendeane kindugu."
    ),
    "lt": (
        "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis. Jiems suteiktas protas ir"
        " sąžinė ir jie turi elgtis vienas kito atžvilgiu kaip broliai."
    ),
    "tl": (
        "Ang lahat ng tao'y isinilang na malaya at pantay-pantay sa karangalan at mga "
        "karapatan. Sila'y pinagkalooban ng katwiran at budhi at dapat magpalagayan ang isa't"
        " isa sa diwa ng pagkakapatiran."
    ),
    "is": (
        "Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum. Menn eru gæddir "
        "vitsmunum og samvizku, og ber þeim að breyta bróðurlega hverjum við annan."
    ),
    "ga": (
        "Saolaítear na daoine uile saor agus comhionann ina ndínit agus ina gcearta. Tá "
        "bauidh an réasúin agus an choinsiasa acu agus dlíd iad féin d'iompar de mheon "
        "bráithreachais i leith a chéile."
    ),
    "cy": (
        "Genir pawb yn rhydd ac yn gydradd â'i gilydd mewn urddas a hawliau. Fe'u "
        "cynysgaeddir â rheswm a chydwybod, a dylai pawb ymddwyn y naill at y llall mewn "
        "ysbryd cymodlon."
    ),
    "sq": (
        "Të gjithë njerëzit lindin të lirë dhe të barabartë në dinjitet dhe në të drejta. Ata"
        " kanë arsye dhe ndërgjegje dhe duhet të sillen ndaj njëri tjetrit me frymë "
        "vëllazërimi."
    ),
    "lv": (
        "Visi cilvēki piedzimst brīvi un vienlīdzīgi savā pašcieņā un tiesībās. Viņi ir "
        "apveltīti ar saprātu un sirdsapziņu, un viņiem jāizturas citam pret citu brālības "
        "garā."
    ),
    "eu": (
        "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela;"
        " eta ezaguera eta kontzientzia dutenez gero, elkarren artean senide legez jokatu "
        "beharra dute."
    ),
    "mt": (
        "Il-bnedmin kollha jitwieldu ħielsa u ugwali fid-dinjità u d-drittijiet. Huma "
        "mogħnija bir-raġuni u bil-kuxjenza u għandhom iġibu ruħhom ma' xulxin bi spirtu ta' "
        "aħwa."
    ),
}
