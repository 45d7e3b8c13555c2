"""The hand-written source of the demo corpus: a short history of lighthouses and their optics.

Written for Graphkeeper in its authors' own words. build.py turns it into NDJSON.

Mark-up of DOCUMENTS and REVISIONS, line by line:
  # id | Title | topic | as-of year (optional)   opens a document; two such lines in a row open a block of two documents
  @ id id                                        owners of the next text unit (needed in a block of two documents)
  anything else                                  one text unit; [[Name]] or [[Name|shown words]] mentions an entity
  > A | TYPE | B | description (optional)        a relationship that the text unit above supports
The same relationship under several text units is one relationship with several supports.
"""

DOCUMENTS = """
# pharos-origin | The Pharos of Alexandria | ancient
The harbour of [[Alexandria]] was marked by a great tower on a small island, [[Pharos Island|Pharos]], begun under [[Ptolemy I Soter]] and finished under his son [[Ptolemy II Philadelphus]] around 280 BC. The [[Lighthouse of Alexandria]] was later counted among the [[Seven Wonders of the Ancient World]].
> Lighthouse of Alexandria | STANDS_IN | Alexandria
> Ptolemy II Philadelphus | COMMISSIONED | Lighthouse of Alexandria
> Ptolemy I Soter | PARENT_OF | Ptolemy II Philadelphus
Ancient writers connect [[Sostratus of Cnidus]] with the [[Lighthouse of Alexandria]], either as its architect or as the man who paid for it. The name of [[Pharos Island]] still means lighthouse in several languages, as in French phare and Italian faro.
> Sostratus of Cnidus | CONNECTED_WITH | Lighthouse of Alexandria
> Lighthouse of Alexandria | STANDS_ON | Pharos Island

# pharos-fall | How the Pharos fell | ancient
Earthquakes wore the [[Lighthouse of Alexandria]] down over several centuries, and the [[1303 Crete earthquake]] did especially heavy damage. The traveller [[Ibn Battuta]] reported in the fourteenth century that he could no longer get in through its door.
> 1303 Crete earthquake | DAMAGED | Lighthouse of Alexandria
> Ibn Battuta | VISITED | Lighthouse of Alexandria
Sultan [[Qaitbay]] had a fort, the [[Citadel of Qaitbay]], put up on the spot in the 1470s, and old stone of the tower was used again in it. In the 1990s divers led by [[Jean-Yves Empereur]] recorded huge blocks and statues on the sea floor of [[Alexandria]] beside it.
> Qaitbay | COMMISSIONED | Citadel of Qaitbay
> Citadel of Qaitbay | STANDS_IN | Alexandria
> Jean-Yves Empereur | EXPLORED | Alexandria

# ostia-portus | The lighthouse of Claudius at Portus | ancient
When the emperor [[Claudius]] built a new harbour for Rome at [[Portus]], near [[Ostia]], a lighthouse was raised at its entrance. Its foundation was an enormous ship that had brought an obelisk from [[Egypt]] for [[Caligula]], filled and sunk on the spot.
> Claudius | COMMISSIONED | Portus
> Portus | NEAR | Ostia

# boulogne-tower | The Roman tower at Boulogne | ancient
[[Caligula]] had a lighthouse built on the [[English Channel|Channel]] coast at [[Boulogne-sur-Mer]] around AD 40, after his army had marched there and gone no further. The ruin, known as the [[Tour d'Ordre]], fell when the cliff under it gave way in 1644.
> Caligula | COMMISSIONED | Tour d'Ordre
> Tour d'Ordre | STANDS_IN | Boulogne-sur-Mer

# dover-pharos | The Roman lighthouse at Dover | ancient
An eight-sided [[Roman Empire|Roman]] lighthouse survives on the hill of [[Dover Castle]], facing across the [[English Channel]] towards Gaul. The church of [[St Mary in Castro]] was built beside it, and the [[Dover Pharos]] served that church as a bell tower.
> Dover Pharos | STANDS_IN | Dover Castle
> St Mary in Castro | REUSED | Dover Pharos
> Roman Empire | BUILT | Dover Pharos

# tower-of-hercules | The Tower of Hercules | ancient
The [[Tower of Hercules]] at [[A Coruña]] in [[Spain]] is a [[Roman Empire|Roman]] lighthouse that still shows a light. An inscription at its foot names the architect [[Gaius Sevius Lupus]], who came from Aeminium, the present Coimbra.
> Tower of Hercules | STANDS_IN | A Coruña
> Gaius Sevius Lupus | DESIGNED | Tower of Hercules
> A Coruña | PART_OF | Spain
> Roman Empire | BUILT | Tower of Hercules
The engineer [[Eustaquio Giannini]] gave the [[Tower of Hercules]] its neoclassical shell around 1790. It became a [[UNESCO World Heritage]] site in 2009.
> Eustaquio Giannini | REBUILT | Tower of Hercules
> Tower of Hercules | LISTED_AS | UNESCO World Heritage

# hook-head | Hook Head, a medieval tower at work | medieval
The tower at [[Hook Head Lighthouse]] in [[Ireland]] was built in the early thirteenth century for [[William Marshal]], to guide ships towards his port of [[New Ross]]. Monks of a nearby monastery are said to have been its first [[lighthouse keeper|keepers]].
> William Marshal | COMMISSIONED | Hook Head Lighthouse
> Hook Head Lighthouse | STANDS_IN | Ireland
> Hook Head Lighthouse | GUIDES_TO | New Ross
[[Hook Head Lighthouse]] is now looked after by the [[Commissioners of Irish Lights]] and has run without [[lighthouse keeper|keepers]] since 1996. It is one of the oldest lighthouses anywhere that still works.
> Commissioners of Irish Lights | OPERATES | Hook Head Lighthouse
> lighthouse keeper | LEFT | Hook Head Lighthouse

# lanterna-genoa | The Lanterna of Genoa | medieval
The [[Lanterna of Genoa]] has marked the port of [[Genoa]] in [[Italy]] since the Middle Ages; the present tower of two stacked square shafts dates from 1543. A [[lighthouse keeper|keeper]] of the fifteenth century was [[Antonio Columbus]], an uncle of [[Christopher Columbus]].
> Lanterna of Genoa | STANDS_IN | Genoa
> Antonio Columbus | KEEPER_OF | Lanterna of Genoa
> Antonio Columbus | RELATED_TO | Christopher Columbus
> Genoa | PART_OF | Italy
> Antonio Columbus | WORKED_AS | lighthouse keeper

# skagen-tilting-light | The tilting light of Skagen | medieval
In 1627 a new kind of beacon was lit at [[Skagen]] in [[Denmark]]: an iron basket of burning coal at the end of a long lever, which a [[lighthouse keeper|keeper]] tipped up into the air. The inventor of this [[tilting lever light]] was [[Jens Pedersen Grove]], and a copy stands near the beach today.
> Jens Pedersen Grove | INVENTED | tilting lever light
> tilting lever light | USED_AT | Skagen
> Skagen | PART_OF | Denmark

# isle-of-may | The coal light on the Isle of May | medieval
The first permanent light in [[Scotland]] was a coal fire on the [[Isle of May]], in the mouth of the [[Firth of Forth]], lit in 1636. Feeding an open [[coal fire beacon]] there could swallow several hundred tons of fuel in a year.
> coal fire beacon | USED_AT | Isle of May
> Isle of May | PART_OF | Scotland
> Isle of May | LIES_IN | Firth of Forth
The [[Northern Lighthouse Board]] bought the [[Isle of May]] in 1814, and [[Robert Stevenson]] replaced the fire with a castle-like tower that was lit in 1816.
> Northern Lighthouse Board | ACQUIRED | Isle of May
> Robert Stevenson | BUILT_ON | Isle of May
> Robert Stevenson | WORKED_FOR | Northern Lighthouse Board

# cordouan | Cordouan, the king of lighthouses | medieval | 1990
The tower of [[Cordouan Lighthouse]] rises from a reef in the mouth of the [[Gironde]] in [[France]]. It was designed by [[Louis de Foix]], begun in 1584 and finished in 1611, and holds a royal apartment and a chapel below the lantern.
> Louis de Foix | DESIGNED | Cordouan Lighthouse
> Cordouan Lighthouse | STANDS_IN | Gironde
> Cordouan Lighthouse | PART_OF | France
An older light on the reef is linked to [[Edward the Black Prince]]. The engineer [[Joseph Teulère]] made [[Cordouan Lighthouse]] much taller at the end of the 1780s, and in 1862 it was listed in [[France]] as a [[monument historique]].
> Joseph Teulère | HEIGHTENED | Cordouan Lighthouse
> Cordouan Lighthouse | LISTED_AS | monument historique

# cordouan-first-lens | Cordouan receives the first Fresnel lens | optics
In July 1823 a revolving apparatus by [[Augustin-Jean Fresnel]] began to shine from [[Cordouan Lighthouse]]. It was the first [[Fresnel lens]] to go into regular service at a lighthouse, and it was seen much farther than the mirrors that it replaced.
> Fresnel lens | USED_AT | Cordouan Lighthouse
> Augustin-Jean Fresnel | INVENTED | Fresnel lens

# fresnel-life | Augustin-Jean Fresnel | optics
[[Augustin-Jean Fresnel]] was born in 1788 at [[Broglie]] in Normandy and trained as an engineer of bridges and roads. His papers on diffraction and polarisation helped the [[wave theory of light]] to win against the idea that light is a stream of particles.
> Augustin-Jean Fresnel | BORN_IN | Broglie
> Augustin-Jean Fresnel | ADVANCED | wave theory of light
In 1819 [[François Arago]] brought him into the [[France|French]] [[Commission des Phares]], which wanted better lights on the coast. [[Augustin-Jean Fresnel|Fresnel]] died of tuberculosis in 1827, only thirty-nine years old.
> François Arago | RECRUITED | Augustin-Jean Fresnel
> Augustin-Jean Fresnel | MEMBER_OF | Commission des Phares
> François Arago | MEMBER_OF | Commission des Phares

# fresnel-lens-principle | How a Fresnel lens works | optics
A [[Fresnel lens]] is a thick lens with the useless glass taken out: only the curved surfaces are left, cut up into concentric rings that stand like steps around a central [[bull's-eye panel]]. Each ring bends the light of the lamp by just enough to send it out level, so that a thin and light assembly gathers a strong beam.
> bull's-eye panel | PART_OF | Fresnel lens
Above and below the middle belt, where bending alone is not enough, the rings become a [[catadioptric prism]] that bends the light, reflects it inside the glass and bends it once more. With both kinds a [[Fresnel lens]] catches most of the light that a lamp gives off.
> catadioptric prism | PART_OF | Fresnel lens

# lens-orders | The orders of lenses | optics
Lenses are sorted into orders by focal distance, the gap between flame and glass. A [[first-order lens]] has 920 millimetres and suits a landfall light; a [[sixth-order lens]] has 150 millimetres and suits a harbour. The scheme goes back to the [[Commission des Phares]] in the time of the [[Fresnel lens]].
> first-order lens | KIND_OF | Fresnel lens
> sixth-order lens | KIND_OF | Fresnel lens
> Commission des Phares | DEVELOPED | Fresnel lens

# hyperradiant-lens | The largest lenses | optics
Bigger than the first order is the [[hyperradiant lens]], with a focal distance of 1,330 millimetres, proposed by the [[Stevenson family]] for large gas and oil burners. The lens at [[Makapuu Point Light]] in [[Hawaii]], lit in 1909, is the largest in any lighthouse of the [[United States]].
> hyperradiant lens | USED_AT | Makapuu Point Light
> Makapuu Point Light | STANDS_IN | Hawaii
> Stevenson family | PROPOSED | hyperradiant lens
Such giants, a kind of [[Fresnel lens]], were soon out of date: once the [[incandescent mantle]] gave a small and very bright source, a [[hyperradiant lens]] was no longer needed.
> incandescent mantle | MADE_OBSOLETE | hyperradiant lens
> hyperradiant lens | KIND_OF | Fresnel lens

# leonor-fresnel | Léonor Fresnel carries on | optics
After the death of [[Augustin-Jean Fresnel]] his younger brother [[Léonor Fresnel]] became secretary of the [[Commission des Phares]] and finished the plan to light the whole coast of [[France]].
> Léonor Fresnel | SIBLING_OF | Augustin-Jean Fresnel
> Léonor Fresnel | MEMBER_OF | Commission des Phares
> Commission des Phares | RESPONSIBLE_FOR | France
[[Léonor Fresnel]] shared his designs freely with [[Alan Stevenson]], who carried the [[France|French]] system to [[Scotland]].
> Léonor Fresnel | ADVISED | Alan Stevenson
> Alan Stevenson | WORKED_IN | Scotland

# stepped-lens-before-fresnel | Stepped lenses before Fresnel | optics
The idea to thin a burning glass by cutting it in steps is older than lighthouse lenses: the [[Comte de Buffon]] suggested it in the middle of the eighteenth century, and the [[Marquis de Condorcet]] proposed to build such a [[stepped lens]] from separate rings.
> Comte de Buffon | PROPOSED | stepped lens
> Marquis de Condorcet | PROPOSED | stepped lens
In [[Scotland]] the physicist [[David Brewster]] described a [[stepped lens]] of several pieces in the 1810s, and for years he quarrelled with the [[Stevenson family]] about how slowly the new optics were taken up.
> David Brewster | PROPOSED | stepped lens
> David Brewster | DISPUTED_WITH | Stevenson family

# paris-lens-makers | The lens makers of Paris | optics
The optician [[François Soleil]] ground the glass of the first lenses of [[Augustin-Jean Fresnel]] in [[Paris]]. Later in the century the [[Paris]] workshops of [[Henry-Lepaute]], [[Sautter]] and [[Barbier]] shipped lenses all over the world.
> François Soleil | WORKED_WITH | Augustin-Jean Fresnel
> Henry-Lepaute | BASED_IN | Paris
> Sautter | BASED_IN | Paris
> Barbier | BASED_IN | Paris

# chance-brothers | Chance Brothers of Smethwick | optics
The glass works of [[Chance Brothers]] at [[Smethwick]], close to Birmingham, glazed the [[Crystal Palace]] for the exhibition of 1851 and in the same years took up lighthouse optics. [[James Timmins Chance]] worked out the mathematics of the prisms himself.
> Chance Brothers | BASED_IN | Smethwick
> Chance Brothers | GLAZED | Crystal Palace
> James Timmins Chance | WORKED_FOR | Chance Brothers
The physicist [[John Hopkinson]] joined [[Chance Brothers]] as an engineer and in the 1870s introduced the [[group-flashing light]], in which bursts of two or more flashes tell one station from another.
> John Hopkinson | WORKED_FOR | Chance Brothers
> John Hopkinson | INVENTED | group-flashing light

# argand-lamp | The Argand lamp | lamps
Around 1780 [[Aimé Argand]] of [[Geneva]] made an [[oil lamp]] with a hollow round wick, so that air rose inside the flame as well as around it, and a glass chimney to steady the draught. The [[Argand lamp]] burned brighter and with less smoke than any lamp before it.
> Aimé Argand | INVENTED | Argand lamp
> Aimé Argand | BORN_IN | Geneva
> Argand lamp | KIND_OF | oil lamp
[[Aimé Argand]] had the lamp made in [[England]] with the help of the manufacturer [[Matthew Boulton]]. In lighthouses the [[Argand lamp]] was set in front of a [[parabolic reflector]], and for decades this pair was the standard light.
> Matthew Boulton | WORKED_WITH | Aimé Argand
> Argand lamp | COMBINED_WITH | parabolic reflector

# multi-wick-lamp | Lamps with many wicks | lamps
A big lens needs a big flame. [[Augustin-Jean Fresnel]] and [[François Arago]] therefore developed a [[concentric wick lamp]], with up to four ring-shaped wicks one inside another, on the principle of the [[Argand lamp]].
> Augustin-Jean Fresnel | DEVELOPED | concentric wick lamp
> François Arago | DEVELOPED | concentric wick lamp
> concentric wick lamp | DERIVED_FROM | Argand lamp
The wicks were kept flooded with oil by a [[clockwork]] pump like the one in the [[Carcel lamp]], which the [[Paris]] clockmaker [[Bernard Guillaume Carcel]] had brought out in 1800; the surplus oil cooled the burner of the [[concentric wick lamp]].
> Bernard Guillaume Carcel | INVENTED | Carcel lamp
> concentric wick lamp | DERIVED_FROM | Carcel lamp
> Carcel lamp | USES | clockwork

# reflectors-liverpool | Mirrors on the Mersey | optics
In the 1760s [[William Hutchinson]], dock master of [[Liverpool]], tried out large mirrors of parabolic shape behind [[oil lamp|oil lamps]]. The light at [[Bidston Hill]] was among the first anywhere to use a [[parabolic reflector]], built up from small pieces of looking glass.
> William Hutchinson | DEVELOPED | parabolic reflector
> parabolic reflector | USED_AT | Bidston Hill
> William Hutchinson | WORKED_IN | Liverpool
> parabolic reflector | COMBINED_WITH | oil lamp

# revolving-light-carlsten | The first revolving light | optics
The first lighthouse with a turning light was at [[Carlsten Fortress]] in [[Sweden]], where [[Jonas Norberg]] in 1781 set reflectors on a shaft driven by [[clockwork]]. The [[revolving light]] gave sailors what a steady one could not: a pattern by which to tell which station they saw.
> Jonas Norberg | INVENTED | revolving light
> revolving light | USED_AT | Carlsten Fortress
> Carlsten Fortress | PART_OF | Sweden
> revolving light | USES | clockwork

# mercury-bath | Lenses that float on mercury | optics
Heavy lenses on rollers turned slowly. Around 1890 [[Léon Bourdelles]] of the [[France|French]] lighthouse service let them float in a trough of quicksilver, and with this [[mercury bath]] a lens of several tons could be pushed round with one finger.
> Léon Bourdelles | INVENTED | mercury bath
Because a lens on a [[mercury bath]] turned fast, few panels were enough and each flash was stronger. The metal is poisonous, though, and authorities such as [[Trinity House]] have been taking it out.
> Trinity House | REMOVES | mercury bath

# babbage-occulting | Babbage's occulting light | optics
[[Charles Babbage]], better known for his calculating engines, proposed in 1851 that every lighthouse should repeat a number of its own by covering its lamp for short moments. In such an [[occulting light]] the dark intervals are shorter than the bright ones.
> Charles Babbage | PROPOSED | occulting light

# oil-vapour-burner | The mantle comes to the lighthouse | lamps
[[Carl Auer von Welsbach]] in [[Austria]] found that a web of rare-earth oxides glows brilliantly in a hot flame, and so made the [[incandescent mantle]] for gas lamps.
> Carl Auer von Welsbach | INVENTED | incandescent mantle
In 1901 [[Arthur Kitson]] designed a burner that turned [[paraffin]] into vapour under pressure and burned it in an [[incandescent mantle]]; [[David Hood]] of [[Trinity House]] improved it in 1921. The [[oil vapour burner]] used less fuel and shone far brighter than wicks.
> Arthur Kitson | INVENTED | oil vapour burner
> David Hood | DEVELOPED | oil vapour burner
> oil vapour burner | USES | incandescent mantle
> David Hood | WORKED_FOR | Trinity House
> oil vapour burner | USES | paraffin

# gustaf-dalen | Gustaf Dalén and the sun valve | lamps
The [[Sweden|Swedish]] engineer [[Gustaf Dalén]] patented the [[sun valve]] in 1907: a blackened rod between polished ones takes up daylight, expands and shuts off the gas, so that the lamp puts itself out at sunrise and lights again at dusk. Together with his flashing valve it let beacons run for about a year with nobody near.
> Gustaf Dalén | INVENTED | sun valve
> Gustaf Dalén | CITIZEN_OF | Sweden
[[Gustaf Dalén|Dalén]] led the company [[AGA]], which stored [[acetylene]] safely in a porous filling called [[Agamassan]]. He received the [[Nobel Prize in Physics]] in 1912, the same year in which an explosion blinded him.
> Gustaf Dalén | LED | AGA
> AGA | MADE | Agamassan
> Agamassan | STORES | acetylene
> Gustaf Dalén | RECEIVED | Nobel Prize in Physics

# electric-south-foreland | Electric light at South Foreland | lamps
In December 1858 [[South Foreland Lighthouse]] tried an [[arc lamp]] fed by the steam-driven magneto generator of [[Frederick Hale Holmes]]. It was the first lighthouse in the world to show an electric light, and [[Michael Faraday]] examined the trial for [[Trinity House]].
> arc lamp | USED_AT | South Foreland Lighthouse
> Frederick Hale Holmes | EQUIPPED | South Foreland Lighthouse
> Michael Faraday | ADVISED | Trinity House
> Trinity House | TESTED | arc lamp
In 1862 [[Dungeness Lighthouse]] received an [[arc lamp]] as well, but the machines were costly and hard to look after, and most stations stayed with oil for decades.
> arc lamp | USED_AT | Dungeness Lighthouse

# souter | Souter, built for electricity | lamps
[[Souter Lighthouse]], on the coast between the [[River Tyne]] and the Wear, opened in 1871 as the first lighthouse designed from the start for an electric [[arc lamp]] run on alternating current. Its engineer was [[James Douglass]] of [[Trinity House]].
> arc lamp | USED_AT | Souter Lighthouse
> James Douglass | DESIGNED | Souter Lighthouse
> James Douglass | WORKED_FOR | Trinity House
> Trinity House | BUILT | Souter Lighthouse

# faraday-trinity | Michael Faraday, adviser of Trinity House | people
From 1836 [[Michael Faraday]] advised [[Trinity House]] on scientific questions for about thirty years, and travelled to many towers, even in winter when he was old. He judged lamps, lenses and the quality of oil and glass.
> Michael Faraday | ADVISED | Trinity House
One useful result was a [[ventilating chimney]] that led the fumes of the lamps out of the lantern, where water and soot had clouded the panes; [[Michael Faraday|Faraday]] let his brother take the patent.
> Michael Faraday | INVENTED | ventilating chimney

# marconi-south-foreland | Wireless from a lighthouse | signals
[[Guglielmo Marconi]] set up a wireless station at [[South Foreland Lighthouse]] and on Christmas Eve 1898 exchanged messages with the [[East Goodwin lightship]], miles out at sea. In March 1899 he spanned the [[English Channel]] from [[Wimereux]] to the same lighthouse.
> Guglielmo Marconi | WORKED_IN | South Foreland Lighthouse
> Guglielmo Marconi | SIGNALLED_TO | East Goodwin lightship
> Guglielmo Marconi | SIGNALLED_ACROSS | English Channel
Wireless soon proved its worth: in 1899 the [[East Goodwin lightship]] called for help by radio when ships came to grief beside it on the [[Goodwin Sands]].
> East Goodwin lightship | MARKED | Goodwin Sands

# trinity-house | Trinity House | authorities
[[Trinity House]] received its charter from [[Henry VIII]] in 1514, as a guild of seamen at [[Deptford]]. It is the lighthouse authority for [[England]], [[Wales]], the [[Channel Islands]] and [[Gibraltar]].
> Henry VIII | CHARTERED | Trinity House
> Trinity House | FOUNDED_IN | Deptford
> Trinity House | RESPONSIBLE_FOR | Channel Islands
> Trinity House | RESPONSIBLE_FOR | Gibraltar
> Trinity House | RESPONSIBLE_FOR | England
> Trinity House | RESPONSIBLE_FOR | Wales
Its first lighthouse was built at [[Lowestoft]] in 1609. The headquarters of [[Trinity House]] on [[Tower Hill]] in [[London]] were designed by [[Samuel Wyatt]] in the 1790s.
> Trinity House | BUILT_IN | Lowestoft
> Samuel Wyatt | DESIGNED_FOR | Trinity House
> Trinity House | BASED_IN | Tower Hill

# northern-lighthouse-board | The Northern Lighthouse Board | authorities
An Act of Parliament of 1786 set up the trustees who became the [[Northern Lighthouse Board]], charged with four lights on the coasts of [[Scotland]]. Their first engineer was [[Thomas Smith]], an [[Edinburgh]] maker of lamps.
> Northern Lighthouse Board | RESPONSIBLE_FOR | Scotland
> Thomas Smith | WORKED_FOR | Northern Lighthouse Board
> Thomas Smith | WORKED_IN | Edinburgh
The [[Northern Lighthouse Board]] also looks after the [[Isle of Man]]. Its Latin motto, In Salutem Omnium, means for the safety of all.
> Northern Lighthouse Board | RESPONSIBLE_FOR | Isle of Man

# kinnaird-head | Kinnaird Head, a light in a castle | authorities
The first light of the [[Northern Lighthouse Board]] was lit in 1787 on top of a sixteenth-century castle at [[Fraserburgh]]. [[Thomas Smith]] fitted [[Kinnaird Head Lighthouse]] with lamps in front of mirror-lined reflectors.
> Thomas Smith | EQUIPPED | Kinnaird Head Lighthouse
> Northern Lighthouse Board | BUILT | Kinnaird Head Lighthouse
> Kinnaird Head Lighthouse | STANDS_IN | Fraserburgh
> Thomas Smith | WORKED_FOR | Northern Lighthouse Board
Today [[Kinnaird Head Lighthouse]] belongs to the [[Museum of Scottish Lighthouses]], which shows lenses, tools and the daily life of [[lighthouse keeper|keepers]] in [[Scotland]].
> Kinnaird Head Lighthouse | PART_OF | Museum of Scottish Lighthouses

# irish-lights | The Commissioners of Irish Lights | authorities
The [[Commissioners of Irish Lights]] look after the aids to navigation around the whole island of [[Ireland]], on both sides of the border, from their base in [[Dún Laoghaire]].
> Commissioners of Irish Lights | RESPONSIBLE_FOR | Ireland
> Commissioners of Irish Lights | BASED_IN | Dún Laoghaire
[[Baily Lighthouse]] at [[Howth]], on the north side of [[Dublin Bay]], was the last [[Ireland|Irish]] lighthouse with [[lighthouse keeper|keepers]]; they left in March 1997.
> Baily Lighthouse | STANDS_IN | Howth
> Baily Lighthouse | MARKED | Dublin Bay
> lighthouse keeper | LEFT | Baily Lighthouse
> Baily Lighthouse | STANDS_IN | Ireland

# iala | IALA and the buoys of the world | authorities
Lighthouse services founded [[IALA]] in 1957 to agree on technical standards; its seat is at [[Saint-Germain-en-Laye]], west of [[Paris]]. In 2024 it changed from an association into an intergovernmental organisation.
> IALA | BASED_IN | Saint-Germain-en-Laye
One of the best-known works of [[IALA]] is the [[Maritime Buoyage System]], which reduced some thirty different buoy schemes to one with two regions, A and B, that differ in the side on which red is passed.
> IALA | DEVELOPED | Maritime Buoyage System

# eddystone-winstanley | Winstanley's Eddystone | eddystone
The [[Eddystone Rocks]] lie about fourteen miles from [[Plymouth]]. [[Henry Winstanley]], an engraver and showman, lit the first tower there in November 1698; during the work a [[France|French]] privateer had carried him off, and [[Louis XIV]] ordered him set free.
> Eddystone Rocks | NEAR | Plymouth
> Henry Winstanley | BUILT_ON | Eddystone Rocks
> Louis XIV | RELEASED | Henry Winstanley
[[Henry Winstanley|Winstanley]] had wished to be in his tower during the fiercest storm. He was there when the [[Great Storm of 1703]] swept it off the [[Eddystone Rocks]] with everybody in it.
> Great Storm of 1703 | KILLED | Henry Winstanley
> Henry Winstanley | BUILT_ON | Eddystone Rocks

# eddystone-rudyerd | Rudyerd's Eddystone | eddystone
[[John Rudyerd]], a silk merchant, gave the [[Eddystone Rocks]] their second tower, finished in 1709: a smooth cone of timber, weighted inside with courses of stone and built with the help of shipwrights.
> John Rudyerd | BUILT_ON | Eddystone Rocks
It stood until the lantern caught fire in December 1755. The old [[lighthouse keeper|keeper]] [[Henry Hall]], looking up at the blaze on the [[Eddystone Rocks]], swallowed molten lead and died some days later; his doctor described the case to the [[Royal Society]].
> Henry Hall | KEEPER_OF | Eddystone Rocks
> Henry Hall | WORKED_AS | lighthouse keeper

# eddystone-smeaton | Smeaton's tower | eddystone
[[John Smeaton]] shaped the third light on the [[Eddystone Rocks]] like the trunk of an oak, broad at the foot, and locked its stones to each other and to the rock by dovetails. [[Smeaton's Tower]] was lit in October 1759 and became the pattern for rock lighthouses everywhere.
> John Smeaton | BUILT | Smeaton's Tower
> Smeaton's Tower | STANDS_ON | Eddystone Rocks
For mortar that would set under water, [[John Smeaton]] tested limes from many places and found that those with clay in them worked best. His work on [[hydraulic lime]] was a step on the road to modern [[Portland cement]].
> John Smeaton | DEVELOPED | hydraulic lime
> hydraulic lime | LED_TO | Portland cement

# smeaton-hoe | A tower moved to Plymouth Hoe | eddystone
By the 1870s the sea had undercut the rock below [[Smeaton's Tower]], although the building itself was sound. Its upper part was taken down and set up again on [[Plymouth Hoe]] in the 1880s as a monument; the stump still stands on the [[Eddystone Rocks]].
> Smeaton's Tower | MOVED_TO | Plymouth Hoe
> Smeaton's Tower | STANDS_ON | Eddystone Rocks

# eddystone-douglass | Douglass's Eddystone | eddystone
The present [[Eddystone Lighthouse]], first lit in 1882, was designed by [[James Douglass]] for [[Trinity House]] and is roughly twice as tall as the tower before it. It stands on a solid round base against which waves spend their force.
> James Douglass | DESIGNED | Eddystone Lighthouse
> Trinity House | OPERATES | Eddystone Lighthouse
> James Douglass | WORKED_FOR | Trinity House
A [[helicopter deck]] was put above the lantern of [[Eddystone Lighthouse]], and in 1982 it became the first offshore lighthouse of [[Trinity House]] to be made automatic.
> Trinity House | AUTOMATED | Eddystone Lighthouse
> helicopter deck | USED_AT | Eddystone Lighthouse
> Trinity House | OPERATES | Eddystone Lighthouse

# bell-rock-building | Building the Bell Rock | scotland
The reef of the [[Inchcape]], off [[Arbroath]], lies bare only for a few hours around low water. From 1807 to 1810 [[Robert Stevenson]] led the building of the [[Bell Rock Lighthouse]] on it; the lamps were lit on 1 February 1811.
> Robert Stevenson | BUILT | Bell Rock Lighthouse
> Bell Rock Lighthouse | STANDS_ON | Inchcape
> Inchcape | NEAR | Arbroath
The masons lived at first on ships and then in a timber [[beacon house]] on legs beside the work. [[John Rennie]] was chief engineer in name, and how much of the [[Bell Rock Lighthouse]] was his is disputed to this day.
> John Rennie | ADVISED_ON | Bell Rock Lighthouse
> beacon house | USED_AT | Bell Rock Lighthouse

# inchcape-legend | The legend of the Inchcape bell | scotland
An old tale says that an abbot of [[Arbroath]] hung a bell on the [[Inchcape]] to warn sailors and that a pirate cut it off, only to be wrecked there himself. [[Robert Southey]] made it a ballad, [[The Inchcape Rock]].
> Robert Southey | WROTE | The Inchcape Rock
> The Inchcape Rock | ABOUT | Inchcape
It was a real loss that moved Parliament: in 1804 the warship [[HMS York]] disappeared in the [[North Sea]] with all hands, and many believed that she had struck the [[Inchcape]].
> HMS York | THOUGHT_LOST_ON | Inchcape

# arbroath-signal-tower | The signal tower at Arbroath | scotland
Families of the men of the [[Bell Rock Lighthouse]] lived on shore at the [[Bell Rock Signal Tower]] in [[Arbroath]]. Keepers and town told each other that all was well by raising copper balls on masts; the building is now a museum.
> Bell Rock Signal Tower | SERVED | Bell Rock Lighthouse
> Bell Rock Signal Tower | STANDS_IN | Arbroath

# scott-voyage | Walter Scott's lighthouse cruise | scotland
In 1814 [[Walter Scott]] sailed round [[Scotland]] with the commissioners of the [[Northern Lighthouse Board]] and [[Robert Stevenson]]. He wrote verses in the album of the [[Bell Rock Lighthouse]] and landed on the bare reef of [[Skerryvore]].
> Walter Scott | TRAVELLED_WITH | Robert Stevenson
> Walter Scott | VISITED | Bell Rock Lighthouse
> Walter Scott | VISITED | Skerryvore
> Robert Stevenson | WORKED_FOR | Northern Lighthouse Board
What he saw on [[Shetland]] and [[Orkney]] went into his novel [[The Pirate]], which [[Walter Scott]] published in the winter of 1821.
> Walter Scott | WROTE | The Pirate
> The Pirate | SET_IN | Shetland

# robert-stevenson | Robert Stevenson | scotland
[[Robert Stevenson]] was the stepson of [[Thomas Smith]] and later also married his daughter. He served the [[Northern Lighthouse Board]] as engineer for more than three decades and built over a dozen of its lights.
> Thomas Smith | STEPFATHER_OF | Robert Stevenson
> Robert Stevenson | WORKED_FOR | Northern Lighthouse Board
Three sons of [[Robert Stevenson]] became lighthouse engineers too: [[Alan Stevenson]], [[David Stevenson]] and [[Thomas Stevenson]]. With their own sons the [[Stevenson family]] designed lights for [[Scotland]] well into the twentieth century.
> Robert Stevenson | PARENT_OF | Alan Stevenson
> Robert Stevenson | PARENT_OF | David Stevenson
> Robert Stevenson | PARENT_OF | Thomas Stevenson
> Robert Stevenson | MEMBER_OF | Stevenson family
> Alan Stevenson | MEMBER_OF | Stevenson family

# skerryvore-building | Alan Stevenson at Skerryvore | scotland
The reef of [[Skerryvore]] lies some twelve miles from [[Tiree]] in the open [[Atlantic Ocean|Atlantic]]. [[Alan Stevenson]] worked there from 1838; his first barrack on the rock was washed away in its first winter. The tower of [[Skerryvore Lighthouse]], 48 metres tall, was lit in 1844.
> Alan Stevenson | BUILT | Skerryvore Lighthouse
> Skerryvore Lighthouse | STANDS_ON | Skerryvore
> Skerryvore | NEAR | Tiree
> Skerryvore | LIES_IN | Atlantic Ocean
[[Alan Stevenson]] relied on sheer weight against the waves and gave [[Skerryvore Lighthouse]] the profile of a hyperbola. The shore works and harbour were at [[Hynish]] on [[Tiree]].
> Hynish | SERVED | Skerryvore Lighthouse
> Hynish | PART_OF | Tiree
> Alan Stevenson | BUILT | Skerryvore Lighthouse

# skerryvore-fire | Fire at Skerryvore | scotland
In March 1954 a fire gutted [[Skerryvore Lighthouse]] and cracked its masonry; the [[lighthouse keeper|keepers]] escaped to the rock and were taken off by the relief ship. The [[Northern Lighthouse Board]] repaired the tower and relit it in 1959, and it has been automatic since 1994.
> Northern Lighthouse Board | REPAIRED | Skerryvore Lighthouse
> Northern Lighthouse Board | AUTOMATED | Skerryvore Lighthouse

# muckle-flugga | Muckle Flugga, the northern end | scotland
[[Muckle Flugga Lighthouse]] stands on a steep rock north of [[Unst]] in [[Shetland]]. A temporary light was shown in 1854 for ships of the [[Crimean War]]; the permanent tower by [[David Stevenson]] and [[Thomas Stevenson]] followed in 1858.
> David Stevenson | BUILT | Muckle Flugga Lighthouse
> Thomas Stevenson | BUILT | Muckle Flugga Lighthouse
> Muckle Flugga Lighthouse | NEAR | Unst
> Unst | PART_OF | Shetland

# thomas-and-louis | Thomas Stevenson and his son | scotland
[[Thomas Stevenson]] improved lighthouse optics with his [[holophotal system]], which sends all of a lamp's light into the beam by one set of glasses, and gave weather stations the louvred box called the [[Stevenson screen]].
> Thomas Stevenson | INVENTED | holophotal system
> Thomas Stevenson | INVENTED | Stevenson screen
His son [[Robert Louis Stevenson]] gave up engineering for writing. In [[Kidnapped]] he wrecked his hero near [[Erraid]], the island that had been the shore base of [[Dubh Artach Lighthouse]] when [[Thomas Stevenson|his father]] built it.
> Thomas Stevenson | PARENT_OF | Robert Louis Stevenson
> Robert Louis Stevenson | WROTE | Kidnapped
> Kidnapped | SET_IN | Erraid
> Thomas Stevenson | BUILT | Dubh Artach Lighthouse
> Erraid | SERVED | Dubh Artach Lighthouse

# ardnamurchan | Ardnamurchan, an Egyptian style | scotland
[[Ardnamurchan Lighthouse]], close to the most westerly point of the mainland of [[Scotland]], was completed by [[Alan Stevenson]] in 1849. Its details recall the buildings of ancient [[Egypt]], and its [[granite]] came from the [[Isle of Mull]].
> Alan Stevenson | BUILT | Ardnamurchan Lighthouse
> Ardnamurchan Lighthouse | STANDS_IN | Scotland
> Ardnamurchan Lighthouse | BUILT_FROM_STONE_OF | Isle of Mull
> Ardnamurchan Lighthouse | MADE_OF | granite

# flannan-isles | The keepers who vanished | keepers | 1912
In December 1900 all three [[lighthouse keeper|keepers]] of the [[Flannan Isles Lighthouse]] in the [[Outer Hebrides]] were found to be missing: [[James Ducat]], [[Thomas Marshall]] and [[Donald McArthur]]. The relief ship [[Hesperus]] of the [[Northern Lighthouse Board]] found nobody when she came on Boxing Day.
> James Ducat | KEEPER_OF | Flannan Isles Lighthouse
> Thomas Marshall | KEEPER_OF | Flannan Isles Lighthouse
> Donald McArthur | KEEPER_OF | Flannan Isles Lighthouse
> Hesperus | RELIEVED | Flannan Isles Lighthouse
> Northern Lighthouse Board | OPERATES | Flannan Isles Lighthouse
A popular telling has an untouched meal on the table and an overturned chair in the [[Flannan Isles Lighthouse]]. In 1912 the poet [[Wilfrid Wilson Gibson]] spread the story in his ballad [[Flannan Isle]].
> Wilfrid Wilson Gibson | WROTE | Flannan Isle
> Flannan Isle | ABOUT | Flannan Isles Lighthouse

# fair-isle-south | The last keepers of Scotland | automation
[[Fair Isle South Lighthouse]], between [[Orkney]] and [[Shetland]], was the last station of the [[Northern Lighthouse Board]] with [[lighthouse keeper|keepers]]. They left on 31 March 1998, and [[Scotland]] had none any more.
> Northern Lighthouse Board | AUTOMATED | Fair Isle South Lighthouse
> Fair Isle South Lighthouse | STANDS_IN | Scotland
> Northern Lighthouse Board | RESPONSIBLE_FOR | Scotland
> lighthouse keeper | LEFT | Fair Isle South Lighthouse

# north-foreland | North Foreland | automation | 1997
[[North Foreland Lighthouse]] in [[Kent]] marks the way into the [[Thames Estuary]]; a light has been shown there since the seventeenth century, for a long time from a [[coal fire beacon]].
> North Foreland Lighthouse | STANDS_IN | Kent
> coal fire beacon | USED_AT | North Foreland Lighthouse
> North Foreland Lighthouse | MARKED | Thames Estuary
At the time of writing, 1997, [[North Foreland Lighthouse]] is among the very few stations of [[Trinity House]] where a [[lighthouse keeper]] is still on duty. Work to make it automatic is being prepared.
> Trinity House | OPERATES | North Foreland Lighthouse
> lighthouse keeper | USED_AT | North Foreland Lighthouse

# royal-sovereign | Royal Sovereign Lighthouse | automation | 2010
[[Royal Sovereign Lighthouse]] is a concrete platform on a single column in the sea off [[Eastbourne]]. [[Trinity House]] lit it in 1971 in the place of a [[lightship]], to mark the [[Royal Sovereign Shoal]].
> Trinity House | BUILT | Royal Sovereign Lighthouse
> Royal Sovereign Lighthouse | NEAR | Eastbourne
> Royal Sovereign Lighthouse | MARKED | Royal Sovereign Shoal
> Royal Sovereign Lighthouse | REPLACED | lightship
[[lighthouse keeper|Keepers]] lived in the cabin section below its [[helicopter deck]] until 1994. Since then [[Royal Sovereign Lighthouse]] has worked by itself and is still in service today (2010).
> helicopter deck | USED_AT | Royal Sovereign Lighthouse
> lighthouse keeper | LEFT | Royal Sovereign Lighthouse

# orfordness | Orfordness on the shingle | automation | 2012
[[Orfordness Lighthouse]] has stood on a bank of shingle in [[Suffolk]] since 1792; [[Lord Braybrooke]] paid for it. [[Trinity House]] took it over in the nineteenth century.
> Lord Braybrooke | COMMISSIONED | Orfordness Lighthouse
> Orfordness Lighthouse | STANDS_IN | Suffolk
> Trinity House | OPERATES | Orfordness Lighthouse
The [[North Sea]] eats away the beach in front of [[Orfordness Lighthouse]], and by now (2012) only a narrow strip is left; [[Trinity House]] plans to give the light up.
> North Sea | THREATENS | Orfordness Lighthouse

# fastnet-iron-tower | The first light on Fastnet | ireland
The loss of the [[United States|American]] ship [[Stephen Whitney]] off [[County Cork]] in 1847, with more than ninety lives, showed that a light was needed on [[Fastnet Rock]]. A [[cast iron|cast-iron]] tower designed by [[George Halpin]] shone there from 1854.
> George Halpin | BUILT_ON | Fastnet Rock
> Stephen Whitney | WRECKED_NEAR | County Cork
> Fastnet Rock | NEAR | County Cork

# fastnet-granite-tower | The granite tower of Fastnet | ireland
The iron tower on [[Fastnet Rock]] shook in heavy seas, so the [[Commissioners of Irish Lights]] had [[William Douglass]] design a new one of dovetailed [[Cornwall|Cornish]] [[granite]]. The foreman [[James Kavanagh]] set every stone himself; [[Fastnet Lighthouse]] was lit in June 1904.
> William Douglass | DESIGNED | Fastnet Lighthouse
> Fastnet Lighthouse | STANDS_ON | Fastnet Rock
> James Kavanagh | WORKED_ON | Fastnet Lighthouse
> Commissioners of Irish Lights | BUILT | Fastnet Lighthouse
> William Douglass | WORKED_FOR | Commissioners of Irish Lights
> Fastnet Lighthouse | MADE_OF | granite
Because emigrants saw it last, the rock is called the teardrop of [[Ireland]]. [[Fastnet Lighthouse]] has been without [[lighthouse keeper|keepers]] since 1989.
> Fastnet Lighthouse | STANDS_IN | Ireland
> lighthouse keeper | LEFT | Fastnet Lighthouse

# mitchell-screw-pile | Alexander Mitchell's screw piles | structures
The [[Ireland|Irish]] engineer [[Alexander Mitchell]], who was blind, patented the [[screw pile]] in 1833: an iron leg with a broad blade at its foot that is twisted into sand or mud. It made lights possible where no stone tower could stand.
> Alexander Mitchell | INVENTED | screw pile
> Alexander Mitchell | CITIZEN_OF | Ireland
In 1838 piles were set on [[Maplin Sands]] in the [[Thames Estuary]], and the [[Wyre Light]] off [[Fleetwood]] was lit in 1840 as the first of its kind. [[Thomas Point Shoal Light]] in the [[Chesapeake Bay]], from 1875, still stands on a [[screw pile]] foundation.
> screw pile | USED_AT | Maplin Sands
> screw pile | USED_AT | Wyre Light
> Wyre Light | NEAR | Fleetwood
> screw pile | USED_AT | Thomas Point Shoal Light
> Thomas Point Shoal Light | STANDS_IN | Chesapeake Bay

# rotersand | Roter Sand, founded in the open sea | structures
[[Roter Sand Lighthouse]] in the mouth of the [[Weser]] in [[Germany]] was finished in 1885. Its iron [[caisson]] was towed out and sunk deep into the sand, which made it one of the first buildings ever founded under the open [[North Sea]].
> Roter Sand Lighthouse | STANDS_IN | Weser
> caisson | USED_AT | Roter Sand Lighthouse
> Weser | PART_OF | Germany
> Roter Sand Lighthouse | LIES_IN | North Sea

# gordon-iron-lights | Lighthouses of cast iron | structures
A tower of [[cast iron]] could be made in a [[London]] foundry, shipped in pieces and bolted together far away. [[Alexander Gordon]] designed such an [[iron lighthouse]] for [[Morant Point]] in [[Jamaica]] in the early 1840s, and another for [[Gibbs Hill Lighthouse]] in [[Bermuda]], lit in 1846.
> Alexander Gordon | DESIGNED | iron lighthouse
> iron lighthouse | USED_AT | Morant Point
> Morant Point | PART_OF | Jamaica
> Alexander Gordon | DESIGNED | Gibbs Hill Lighthouse
> Gibbs Hill Lighthouse | STANDS_IN | Bermuda
> iron lighthouse | MADE_OF | cast iron

# bishop-rock | Bishop Rock | rock towers
An iron tower on piles had nearly been finished on [[Bishop Rock]], at the western edge of the [[Isles of Scilly]], when a gale carried it away in 1850. The [[granite]] [[Bishop Rock Lighthouse]] by [[James Walker]] followed in 1858.
> James Walker | DESIGNED | Bishop Rock Lighthouse
> Bishop Rock | NEAR | Isles of Scilly
> Bishop Rock Lighthouse | STANDS_ON | Bishop Rock
> Bishop Rock Lighthouse | MADE_OF | granite
The sea shook it so badly that [[James Douglass]] wrapped [[Bishop Rock Lighthouse]] in a second skin of [[granite]] in the 1880s and made it taller; a [[hyperradiant lens]] was put on top.
> James Douglass | REBUILT | Bishop Rock Lighthouse
> hyperradiant lens | USED_AT | Bishop Rock Lighthouse
> Bishop Rock Lighthouse | MADE_OF | granite

# wolf-rock | Wolf Rock | rock towers
[[Wolf Rock Lighthouse]], between [[Land's End]] and the [[Isles of Scilly]], took eight years to build and was completed in 1869 to a design by [[James Walker]] for [[Trinity House]].
> James Walker | DESIGNED | Wolf Rock Lighthouse
> Trinity House | BUILT | Wolf Rock Lighthouse
> Wolf Rock Lighthouse | NEAR | Land's End
In the early 1970s [[Wolf Rock Lighthouse]] became the first lighthouse with a [[helicopter deck]] above its lantern, so that reliefs no longer had to wait weeks for a calm sea.
> helicopter deck | USED_AT | Wolf Rock Lighthouse

# douglass-family | The Douglass family | people
[[Nicholas Douglass]] and his sons [[James Douglass]] and [[William Douglass]] all worked as engineers for [[Trinity House]]. [[William Douglass]] later became engineer of the [[Commissioners of Irish Lights]].
> Nicholas Douglass | PARENT_OF | James Douglass
> Nicholas Douglass | PARENT_OF | William Douglass
> James Douglass | WORKED_FOR | Trinity House
> William Douglass | WORKED_FOR | Commissioners of Irish Lights
> Nicholas Douglass | WORKED_FOR | Trinity House
In the 1870s [[William Douglass]] built two lights on remote reefs off [[Sri Lanka]], the [[Great Basses Lighthouse]] and its neighbour on the Little Basses, after designs by [[James Douglass|his brother James]].
> William Douglass | BUILT | Great Basses Lighthouse
> James Douglass | DESIGNED | Great Basses Lighthouse
> Great Basses Lighthouse | STANDS_IN | Sri Lanka

# smalls | The Smalls and the rule of three | keepers
The [[Smalls Lighthouse]], far off [[Pembrokeshire]] in [[Wales]], began as a hut on oak legs that the instrument maker [[Henry Whiteside]] designed in the 1770s, so that waves could pass beneath it.
> Henry Whiteside | DESIGNED | Smalls Lighthouse
> Smalls Lighthouse | NEAR | Pembrokeshire
> Pembrokeshire | PART_OF | Wales
Around 1801 one of its two [[lighthouse keeper|keepers]], [[Thomas Griffith]], died there. The other, [[Thomas Howell]], feared to be accused of murder and lashed the body in a coffin outside the hut until a boat could land. Afterwards rock stations like the [[Smalls Lighthouse]] were given three men instead of two.
> Thomas Griffith | KEEPER_OF | Smalls Lighthouse
> Thomas Howell | KEEPER_OF | Smalls Lighthouse
> Thomas Griffith | WORKED_AS | lighthouse keeper
> Thomas Howell | WORKED_AS | lighthouse keeper

# grace-darling | Grace Darling | keepers
In the night of 7 September 1838 the paddle steamer [[Forfarshire]] broke up on a rock of the [[Farne Islands]]. [[Grace Darling]] and her father [[William Darling]], [[lighthouse keeper|keeper]] of the [[Longstone Lighthouse]], rowed out in an open boat and brought survivors back.
> Grace Darling | RESCUED_FROM | Forfarshire
> William Darling | PARENT_OF | Grace Darling
> William Darling | KEEPER_OF | Longstone Lighthouse
> Forfarshire | WRECKED_ON | Farne Islands
> William Darling | WORKED_AS | lighthouse keeper
The rescue made [[Grace Darling]] one of the most famous women of her time. She died of tuberculosis in 1842, and a museum in [[Bamburgh]] keeps her boat.
> Grace Darling | REMEMBERED_IN | Bamburgh

# ida-lewis | Ida Lewis of Lime Rock | keepers
[[Ida Lewis]] kept the light on [[Lime Rock]] in the harbour of [[Newport, Rhode Island]], at first for her sick father and later in her own name. She pulled at least eighteen people out of the water and received the [[Gold Lifesaving Medal]] in 1881.
> Ida Lewis | KEEPER_OF | Lime Rock
> Lime Rock | LIES_IN | Newport, Rhode Island
> Ida Lewis | RECEIVED | Gold Lifesaving Medal

# abbie-burgess | Abbie Burgess at Matinicus Rock | keepers
In January 1856 storms kept the [[lighthouse keeper|keeper]] of [[Matinicus Rock Light]] in [[Maine]] ashore for weeks. His teenage daughter [[Abbie Burgess]] tended the lamps every night, cared for her sick mother and sisters, and moved them into a tower before the waves flooded the house.
> Abbie Burgess | KEEPER_OF | Matinicus Rock Light
> Matinicus Rock Light | STANDS_IN | Maine

# boston-light | Boston Light | america
The first lighthouse in what is now the [[United States]], [[Boston Light]], was lit in 1716 on [[Little Brewster Island]], in the harbour of [[Boston]]. Its first [[lighthouse keeper|keeper]], [[George Worthylake]], drowned in 1718, and the young [[Benjamin Franklin]] wrote a ballad about it.
> Boston Light | STANDS_ON | Little Brewster Island
> George Worthylake | KEEPER_OF | Boston Light
> Benjamin Franklin | WROTE_ABOUT | George Worthylake
> George Worthylake | WORKED_AS | lighthouse keeper
> Boston Light | LIES_IN | Boston
British troops blew up the first tower of [[Boston Light]] when they left in 1776; the present one dates from 1783. A [[fog cannon]], placed there in 1719, was the first fog signal in North America.
> fog cannon | USED_AT | Boston Light

# lighthouse-act | The Lighthouses Act of 1789 | america
One of the first laws that [[George Washington]] signed was the [[Lighthouses Act of 1789]], by which the federal government of the [[United States]] took over the care of lighthouses and buoys.
> George Washington | SIGNED | Lighthouses Act of 1789
> Lighthouses Act of 1789 | APPLIES_TO | United States
The first tower that was built under it was at [[Cape Henry]] in [[Virginia]], finished in 1792 by the New York mason [[John McComb Jr.]].
> John McComb Jr. | BUILT_ON | Cape Henry
> Cape Henry | PART_OF | Virginia

# pleasonton-and-lewis | Two men and poor lights | america
From 1820 to 1852 the lights of the [[United States]] were run by [[Stephen Pleasonton]], a thrifty auditor of the Treasury. He relied on [[Winslow Lewis]], whose patented lamps and thin reflectors gave much less light than European ones.
> Stephen Pleasonton | RELIED_ON | Winslow Lewis
> Stephen Pleasonton | ADMINISTERED_LIGHTS_OF | United States
The first [[United States|American]] station with a [[Fresnel lens]] was [[Navesink Twin Lights]] in [[New Jersey]], in 1841; the navy captain [[Matthew C. Perry]] had bought it in Europe.
> Fresnel lens | USED_AT | Navesink Twin Lights
> Navesink Twin Lights | STANDS_IN | New Jersey
> Matthew C. Perry | EQUIPPED | Navesink Twin Lights

# us-lighthouse-board | The Lighthouse Board of the United States | america
In 1852 the [[United States Lighthouse Board]], made up of officers, engineers and men of science, took charge of the lights of the [[United States]] and fitted almost every tower with a [[Fresnel lens]] within a decade. The physicist [[Joseph Henry]] tested lard oil as a cheap fuel for it.
> United States Lighthouse Board | ADOPTED | Fresnel lens
> Joseph Henry | MEMBER_OF | United States Lighthouse Board
> United States Lighthouse Board | RESPONSIBLE_FOR | United States
In 1910 the [[United States Lighthouse Board]] gave way to a civilian bureau under [[George R. Putnam]]; in 1939 the work passed to the [[United States Coast Guard]].
> United States Coast Guard | SUCCEEDED | United States Lighthouse Board
> George R. Putnam | SUCCEEDED | United States Lighthouse Board

# minots-ledge | Minot's Ledge | america
The first [[Minot's Ledge Light]] in [[Massachusetts]] was an iron house on piles; a storm in April 1851 threw it down and killed the two assistant [[lighthouse keeper|keepers]]. A tower of interlocked [[granite]], lit in 1860, still stands.
> Minot's Ledge Light | STANDS_IN | Massachusetts
> Minot's Ledge Light | MADE_OF | granite
Since 1894 [[Minot's Ledge Light]] has flashed one, four and three times, which people along the coast read as the words I love you; it is a well-known [[group-flashing light]].
> Minot's Ledge Light | KIND_OF | group-flashing light

# cape-hatteras | Cape Hatteras | america | 1995
[[Cape Hatteras Light]] on the [[Outer Banks]] of [[North Carolina]] warns of [[Diamond Shoals]]. The spirally striped tower of 1870 is the tallest brick lighthouse of the [[United States]].
> Cape Hatteras Light | STANDS_IN | Outer Banks
> Cape Hatteras Light | MARKED | Diamond Shoals
> Outer Banks | PART_OF | North Carolina
> Cape Hatteras Light | STANDS_IN | United States
When it was built, [[Cape Hatteras Light]] stood some 1,500 feet from the surf; today (1995) the [[Atlantic Ocean]] is close to its base, and engineers argue about walls, [[groyne]]s or moving the tower.
> Atlantic Ocean | THREATENS | Cape Hatteras Light
> groyne | USED_AT | Cape Hatteras Light

# statue-of-liberty | The statue that was a lighthouse | america
From 1886 until 1902 the [[Statue of Liberty]] in [[New York Harbor]] was an official lighthouse under the [[United States Lighthouse Board]]. The electric lamps in the torch of [[Frédéric Auguste Bartholdi]]'s figure were never bright enough to be of much use to ships.
> United States Lighthouse Board | OPERATES | Statue of Liberty
> Frédéric Auguste Bartholdi | DESIGNED | Statue of Liberty
> Statue of Liberty | STANDS_IN | New York Harbor

# canada-first-lights | First lights of Canada | america
The first lighthouse of [[Canada]] was built by the [[France|French]] at [[Louisbourg]] in the 1730s. The oldest that survives in the Americas is the tower of 1758 on [[Sambro Island]], at the approach to [[Halifax, Nova Scotia]].
> Louisbourg | PART_OF | Canada
> Sambro Island | NEAR | Halifax, Nova Scotia
> France | BUILT_IN | Louisbourg

# fog-whistle-foulis | Robert Foulis and the steam whistle | signals
[[Robert Foulis]], a Scot who had settled in [[Saint John, New Brunswick]], noticed that low notes carry farther through fog than high ones, and proposed a whistle blown by steam. The first [[steam fog whistle]] went to work on [[Partridge Island]] in 1859; he earned almost nothing from it.
> Robert Foulis | INVENTED | steam fog whistle
> steam fog whistle | USED_AT | Partridge Island
> Partridge Island | NEAR | Saint John, New Brunswick

# tyndall-fog-trials | Tyndall listens to fog signals | signals
In 1873 and 1874 [[John Tyndall]], who had followed [[Michael Faraday]] as adviser of [[Trinity House]], compared horns, guns and the [[fog siren]] at [[South Foreland Lighthouse|South Foreland]] while a steamer noted how far each was heard.
> John Tyndall | ADVISED | Trinity House
> John Tyndall | SUCCEEDED | Michael Faraday
> John Tyndall | TESTED | fog siren
> Michael Faraday | ADVISED | Trinity House
[[John Tyndall|Tyndall]] found that clear air can muffle sound as badly as fog. In [[United States|America]] [[Joseph Henry]] made similar trials for the lighthouse service and explained them by wind bending the sound; the two argued about it.
> John Tyndall | DISPUTED_WITH | Joseph Henry

# diaphone | The diaphone | signals
The [[diaphone]], patented in 1903 by [[John Pell Northey]] of [[Toronto]], drives a slotted piston with compressed air and ends its deep blast with a characteristic grunt. The idea came from an organ stop of [[Robert Hope-Jones]].
> John Pell Northey | INVENTED | diaphone
> John Pell Northey | WORKED_IN | Toronto
> Robert Hope-Jones | INSPIRED | diaphone

# sumburgh-foghorn | The foghorn of Sumburgh Head | signals
[[Sumburgh Head Lighthouse]], built by [[Robert Stevenson]] in 1821, was the first lighthouse on [[Shetland]]. Its [[foghorn]], blown by compressed air from engines in the next building, has been restored and is sounded on special days.
> Robert Stevenson | BUILT | Sumburgh Head Lighthouse
> Sumburgh Head Lighthouse | STANDS_IN | Shetland
> foghorn | USED_AT | Sumburgh Head Lighthouse

# fog-signals | Sound signals in fog | signals
# rock-station-life | Life on a rock station | keepers
@ fog-signals
When fog hides a light, only sound can warn a ship. Stations began with a [[fog bell]] or a [[fog cannon]]; in the nineteenth century came the [[steam fog whistle]], the [[fog siren]] and the [[foghorn]] blown by compressed air.
> fog siren | SUCCEEDED | fog bell
> steam fog whistle | SUCCEEDED | fog cannon
@ fog-signals rock-station-life
On towers without room for machines a [[lighthouse keeper]] fired an [[explosive fog signal]]: a small charge of [[tonite]] was hung on a jib above the lantern and set off every few minutes for as long as the fog lasted.
> explosive fog signal | USES | tonite
> lighthouse keeper | OPERATES | explosive fog signal
@ rock-station-life
A [[lighthouse keeper]] of a rock tower slept in a curved bunk, cooked in a round kitchen and stood watches through the night to wind the [[clockwork]] and tend the lamp. A [[relief boat]] brought the next man, food and letters, if the sea allowed it.
> relief boat | SERVED | lighthouse keeper

# automation | How lighthouses became automatic | automation
# led-and-solar | LEDs, sun and satellites | automation
@ automation
The [[lighthouse keeper]] disappeared step by step: first gas valves, then electric lamps with automatic changers, then radio links by which one control room can watch every station. [[Trinity House]] supervises its lights from [[Harwich]].
> Trinity House | SUPERVISES_FROM | Harwich
@ automation led-and-solar
Once the reliefs came by air to a [[helicopter deck]] and fuel could be replaced by a [[solar panel]], a rock station needed visits only a few times in a year, and a [[lighthouse keeper]] was no longer needed to run it.
> solar panel | REPLACED | lighthouse keeper
> helicopter deck | REPLACED | lighthouse keeper
@ led-and-solar
An [[LED lamp]] needs so little power that a [[solar panel]] and batteries can feed it. Many ships now steer by [[GPS]], so many a great [[Fresnel lens]] has been switched off or replaced by a small [[LED lamp]] on the gallery.
> solar panel | FEEDS | LED lamp
> LED lamp | REPLACED | Fresnel lens

# lightships | Ships that were lights | structures
Where a sandbank could carry no tower, a moored [[lightship]] took its place. The first one in [[England]] was anchored at the [[Nore]], in the [[Thames Estuary]], in the 1730s, on the initiative of [[Robert Hamblin]] and [[David Avery]].
> lightship | USED_AT | Nore
> Robert Hamblin | FOUNDED | lightship
> David Avery | FOUNDED | lightship
> Nore | LIES_IN | Thames Estuary

# belle-tout-beachy-head | Belle Tout and Beachy Head | structures
[[Belle Tout Lighthouse]] of the 1830s stood high on the chalk near [[Eastbourne]], where mist often hid its light. In 1902 [[Trinity House]] replaced it by [[Beachy Head Lighthouse]] at the foot of the cliff, the work of [[Thomas Matthews]].
> Beachy Head Lighthouse | REPLACED | Belle Tout Lighthouse
> Thomas Matthews | DESIGNED | Beachy Head Lighthouse
> Trinity House | BUILT | Beachy Head Lighthouse
> Belle Tout Lighthouse | NEAR | Eastbourne
As the cliff crumbled, [[Belle Tout Lighthouse]], by then a house, was slid seventeen metres back from the edge on rails in 1999.

# cape-point | A light too high: Cape Point | world
The first lighthouse at [[Cape Point]] in [[South Africa]], lit in 1860, stood so high that cloud often covered it. After the Portuguese liner [[Lusitania (1906)]] struck [[Bellows Rock]] below it in 1911, a new light was built much lower down.
> Lusitania (1906) | WRECKED_ON | Bellows Rock
> Bellows Rock | NEAR | Cape Point
> Cape Point | PART_OF | South Africa

# lundy | Lundy's three lights | world
The old light of [[Lundy]], in the [[Bristol Channel]], was built around 1820 on the top of the island, where fog too often hid it. In 1897 [[Trinity House]] gave it up for two lower lights at the north and south ends of [[Lundy]].
> Lundy | LIES_IN | Bristol Channel
> Trinity House | BUILT_ON | Lundy

# ar-men | Ar-Men, the hardest tower of Brittany | france
[[Ar-Men Lighthouse]] stands at the outer end of the reefs west of the [[Île de Sein]] in [[Brittany]]. Building lasted from 1867 to 1881, since fishermen could land on the rock only for a few hours in a whole season at first; [[lighthouse keeper|keepers]] called the place the hell of hells.
> Ar-Men Lighthouse | NEAR | Île de Sein
> Île de Sein | PART_OF | Brittany

# la-jument | A wave at La Jument | france
[[La Jument Lighthouse]], off [[Ushant]], became famous in December 1989 through a picture by [[Jean Guichard]]. It shows the [[lighthouse keeper|keeper]] [[Théodore Malgorn]] in the open door while a huge wave wraps round the tower; he had taken the photographer's helicopter for a rescue.
> Jean Guichard | PHOTOGRAPHED | La Jument Lighthouse
> Théodore Malgorn | KEEPER_OF | La Jument Lighthouse
> La Jument Lighthouse | NEAR | Ushant
> Jean Guichard | PHOTOGRAPHED | Théodore Malgorn
> Théodore Malgorn | WORKED_AS | lighthouse keeper

# eckmuhl | The lighthouse of a marshal's daughter | france
The [[Eckmühl Lighthouse]] at [[Penmarc'h]] in [[Brittany]], opened in 1897, was paid for by the [[Marquise de Blocqueville]]. She wished it to bear the title of her father, Marshal [[Louis-Nicolas Davout]], Prince of Eckmühl.
> Marquise de Blocqueville | COMMISSIONED | Eckmühl Lighthouse
> Eckmühl Lighthouse | STANDS_IN | Penmarc'h
> Eckmühl Lighthouse | NAMED_AFTER | Louis-Nicolas Davout
> Louis-Nicolas Davout | PARENT_OF | Marquise de Blocqueville

# tallest-towers | The tallest towers | world
The [[Île Vierge Lighthouse]] in [[Brittany]], lit in 1902 and more than eighty metres high, is the tallest stone lighthouse in Europe. The [[Jeddah Light]] in [[Saudi Arabia]], a concrete port control tower of about 130 metres, is taller than any traditional lighthouse.
> Île Vierge Lighthouse | STANDS_IN | Brittany
> Jeddah Light | STANDS_IN | Saudi Arabia
> Jeddah Light | TALLER_THAN | Île Vierge Lighthouse

# brunton-japan | Brunton's lighthouses in Japan | world
When [[Japan]] opened its ports, it asked the [[Stevenson family]] in [[Edinburgh]] for help. They trained [[Richard Henry Brunton]], who arrived in 1868 and built more than two dozen lighthouses in [[Japan]], earthquakes in mind.
> Richard Henry Brunton | BUILT_IN | Japan
> Stevenson family | TRAINED | Richard Henry Brunton
> Stevenson family | BASED_IN | Edinburgh
The first western lighthouse of [[Japan]], at [[Kannonzaki]], was however the work of a Frenchman, [[Léonce Verny]], and was lit in 1869.
> Léonce Verny | BUILT | Kannonzaki
> Kannonzaki | STANDS_IN | Japan

# macquarie | Macquarie Lighthouse | world
[[Australia]]'s first lighthouse, [[Macquarie Lighthouse]] at the entrance of [[Sydney Harbour]], was designed by the convict architect [[Francis Greenway]] and completed in 1818. The soft stone crumbled, and in 1883 [[James Barnet]] put a look-alike beside it.
> Francis Greenway | DESIGNED | Macquarie Lighthouse
> James Barnet | REBUILT | Macquarie Lighthouse
> Macquarie Lighthouse | STANDS_IN | Sydney Harbour
> Sydney Harbour | PART_OF | Australia

# horsburgh | Horsburgh Lighthouse | world
[[Horsburgh Lighthouse]] on the rock of [[Pedra Branca]], at the eastern approach to [[Singapore]], was built by [[John Turnbull Thomson]] and lit in 1851. It honours the chart maker [[James Horsburgh]].
> John Turnbull Thomson | BUILT | Horsburgh Lighthouse
> Horsburgh Lighthouse | STANDS_ON | Pedra Branca
> Horsburgh Lighthouse | NAMED_AFTER | James Horsburgh
In 2008 the [[International Court of Justice]] decided that [[Pedra Branca]] belongs to [[Singapore]].
> International Court of Justice | RULED_ON | Pedra Branca
> Pedra Branca | PART_OF | Singapore

# literature | Lighthouses in novels | culture
[[Virginia Woolf]] set [[To the Lighthouse]] in the Hebrides, but the tower that she had in mind was [[Godrevy Lighthouse]] in [[Cornwall]], which she had seen on childhood holidays.
> Virginia Woolf | WROTE | To the Lighthouse
> Godrevy Lighthouse | INSPIRED | To the Lighthouse
> Godrevy Lighthouse | STANDS_IN | Cornwall
[[Jules Verne]] chose a remote station on [[Isla de los Estados]] at the tip of South America for [[The Lighthouse at the End of the World]], printed in 1905 after his death.
> Jules Verne | WROTE | The Lighthouse at the End of the World
> The Lighthouse at the End of the World | SET_IN | Isla de los Estados
"""

REVISIONS = """
# cordouan | Cordouan, the king of lighthouses | medieval | 2021
The tower of [[Cordouan Lighthouse]] rises from a reef in the mouth of the [[Gironde]] in [[France]]. [[Louis de Foix]] designed it; work ran from 1584 to 1611, and below the lantern lie a royal apartment and a chapel.
> Louis de Foix | DESIGNED | Cordouan Lighthouse
> Cordouan Lighthouse | STANDS_IN | Gironde
> Cordouan Lighthouse | PART_OF | France
[[Joseph Teulère]] made [[Cordouan Lighthouse]] much taller at the end of the 1780s. A protected monument since 1862, it was added to the list of [[UNESCO World Heritage]] in July 2021.
> Joseph Teulère | HEIGHTENED | Cordouan Lighthouse
> Cordouan Lighthouse | LISTED_AS | UNESCO World Heritage

# flannan-isles | The keepers who vanished | keepers | 2000
In December 1900 all three [[lighthouse keeper|keepers]] of the [[Flannan Isles Lighthouse]] in the [[Outer Hebrides]] were found to be missing: [[James Ducat]], [[Thomas Marshall]] and [[Donald McArthur]]. The relief keeper [[Joseph Moore]], put ashore from the [[Hesperus]], found the rooms in good order.
> James Ducat | KEEPER_OF | Flannan Isles Lighthouse
> Thomas Marshall | KEEPER_OF | Flannan Isles Lighthouse
> Donald McArthur | KEEPER_OF | Flannan Isles Lighthouse
> Hesperus | RELIEVED | Flannan Isles Lighthouse
> Joseph Moore | SEARCHED | Flannan Isles Lighthouse
The half-eaten meal is poetry, from a ballad of 1912. [[Robert Muirhead]], superintendent of the [[Northern Lighthouse Board]], saw storm damage high above the west landing of the [[Flannan Isles Lighthouse]] and concluded that a wave had swept the men away.
> Robert Muirhead | INVESTIGATED | Flannan Isles Lighthouse
> Robert Muirhead | WORKED_FOR | Northern Lighthouse Board
> Northern Lighthouse Board | OPERATES | Flannan Isles Lighthouse

# north-foreland | North Foreland | automation | 1998
[[North Foreland Lighthouse]] in [[Kent]] marks the way into the [[Thames Estuary]]; a light has been shown there since the seventeenth century, for a long time from a [[coal fire beacon]].
> North Foreland Lighthouse | STANDS_IN | Kent
> coal fire beacon | USED_AT | North Foreland Lighthouse
> North Foreland Lighthouse | MARKED | Thames Estuary
[[North Foreland Lighthouse]] was the last station of [[Trinity House]] with [[lighthouse keeper|keepers]]. It went over to automatic running on 26 November 1998 in a ceremony with the [[Duke of Edinburgh]], and so ended the age of keepers in [[England]].
> Trinity House | OPERATES | North Foreland Lighthouse
> Trinity House | AUTOMATED | North Foreland Lighthouse
> Duke of Edinburgh | VISITED | North Foreland Lighthouse

# royal-sovereign | Royal Sovereign Lighthouse | automation | 2023
[[Royal Sovereign Lighthouse]] was a concrete platform on a single column in the sea off [[Eastbourne]], lit in 1971. [[Trinity House]] ended its service in March 2022, because the structure had reached the end of its life.
> Trinity House | BUILT | Royal Sovereign Lighthouse
> Royal Sovereign Lighthouse | NEAR | Eastbourne
> Trinity House | DECOMMISSIONED | Royal Sovereign Lighthouse
The platform of the [[Royal Sovereign Lighthouse]] was taken down in 2023. [[Beachy Head Lighthouse]] was given a stronger light to make up for it, and a buoy marks the [[Royal Sovereign Shoal]].
> Beachy Head Lighthouse | COVERS_FOR | Royal Sovereign Lighthouse
> Royal Sovereign Lighthouse | MARKED | Royal Sovereign Shoal

# orfordness | Orfordness, lost to the sea | automation | 2020
[[Orfordness Lighthouse]] stood on a bank of shingle in [[Suffolk]] from 1792; [[Lord Braybrooke]] had paid for it. [[Trinity House]] switched the light off in 2013 because the [[North Sea]] was close to the tower.
> Lord Braybrooke | COMMISSIONED | Orfordness Lighthouse
> Orfordness Lighthouse | STANDS_IN | Suffolk
> Trinity House | DECOMMISSIONED | Orfordness Lighthouse
> North Sea | THREATENS | Orfordness Lighthouse
A trust of friends tried for years to hold back the waves. In the summer of 2020 [[Orfordness Lighthouse]] was demolished before it could fall; [[Southwold Lighthouse]] had been given a stronger light to cover the coast of [[Suffolk]].
> Southwold Lighthouse | REPLACED | Orfordness Lighthouse
> Southwold Lighthouse | STANDS_IN | Suffolk

# cape-hatteras | Cape Hatteras, moved in one piece | america | 1999
[[Cape Hatteras Light]] on the [[Outer Banks]] of [[North Carolina]] warns of [[Diamond Shoals]]. The spirally striped tower of 1870 is the tallest brick lighthouse of the [[United States]].
> Cape Hatteras Light | STANDS_IN | Outer Banks
> Cape Hatteras Light | MARKED | Diamond Shoals
> Outer Banks | PART_OF | North Carolina
In the summer of 1999 [[Cape Hatteras Light]] was lifted by a [[hydraulic jack]] system and pushed 2,900 feet along steel tracks, away from the [[Atlantic Ocean]]. The [[National Park Service]] owns it.
> hydraulic jack | USED_AT | Cape Hatteras Light
> National Park Service | OPERATES | Cape Hatteras Light
> Atlantic Ocean | THREATENS | Cape Hatteras Light
"""

# Relationships that some older tool recorded without saying which text supports them.
UNSUPPORTED = """
> Alan Stevenson | SIBLING_OF | Thomas Stevenson
> David Stevenson | SIBLING_OF | Alan Stevenson
> James Douglass | SIBLING_OF | William Douglass
> Thomas Stevenson | MEMBER_OF | Stevenson family
> Robert Louis Stevenson | MEMBER_OF | Stevenson family
> Léonor Fresnel | CITIZEN_OF | France
> Plymouth Hoe | PART_OF | Plymouth
> Skerryvore Lighthouse | PART_OF | Scotland
"""

# One line an entity: Name: description. "== type" opens a section.
ENTITIES = """
== lighthouse
Lighthouse of Alexandria: Great tower of antiquity at Alexandria, also called the Pharos
Tour d'Ordre: Roman lighthouse at Boulogne, fallen in 1644
Dover Pharos: Roman lighthouse inside Dover Castle
Tower of Hercules: Roman lighthouse at A Coruña that still shows a light
Hook Head Lighthouse: Medieval tower in County Wexford, still at work
Lanterna of Genoa: Lighthouse of the port of Genoa, from 1543
Cordouan Lighthouse: Renaissance tower in the mouth of the Gironde
Makapuu Point Light: Lighthouse on Oahu with a hyperradiant lens
South Foreland Lighthouse: Lighthouse near Dover, first with an electric light
Dungeness Lighthouse: Lighthouse on the shingle of Dungeness in Kent
Souter Lighthouse: Lighthouse of 1871, built for electric light
Kinnaird Head Lighthouse: First light of the Northern Lighthouse Board
Baily Lighthouse: Last lighthouse of Ireland with keepers
Smeaton's Tower: Third lighthouse on the Eddystone, now partly at Plymouth
Eddystone Lighthouse: Present Eddystone tower of 1882
Bell Rock Lighthouse: Rock tower on the Inchcape, lit in 1811
Skerryvore Lighthouse: Granite tower of 1844 on a reef off Tiree
Muckle Flugga Lighthouse: Lighthouse at the northern end of Shetland
Dubh Artach Lighthouse: Rock tower south-west of Mull, lit in 1872
Ardnamurchan Lighthouse: Lighthouse of 1849 in an Egyptian style
Flannan Isles Lighthouse: Hebridean light whose keepers vanished in 1900
Fair Isle South Lighthouse: Last Scottish lighthouse with keepers
North Foreland Lighthouse: Lighthouse in Kent at the way into the Thames
Royal Sovereign Lighthouse: Platform lighthouse off Eastbourne, lit in 1971
Orfordness Lighthouse: Lighthouse of 1792 on the Suffolk shingle
Southwold Lighthouse: Lighthouse in a Suffolk seaside town
Fastnet Lighthouse: Granite tower of 1904 off the south of Ireland
Wyre Light: First lit lighthouse on screw piles
Thomas Point Shoal Light: Screw-pile lighthouse in the Chesapeake Bay
Roter Sand Lighthouse: German offshore lighthouse of 1885
Gibbs Hill Lighthouse: Cast-iron lighthouse in Bermuda
Bishop Rock Lighthouse: Granite tower west of the Isles of Scilly
Wolf Rock Lighthouse: Rock tower off Land's End
Great Basses Lighthouse: Reef lighthouse off Sri Lanka
Smalls Lighthouse: Rock lighthouse off Pembrokeshire
Longstone Lighthouse: Lighthouse in the Farne Islands
Matinicus Rock Light: Island light off the coast of Maine
Boston Light: First lighthouse in what became the United States
Navesink Twin Lights: Twin towers in New Jersey with the first American Fresnel lens
Minot's Ledge Light: Wave-swept tower in Massachusetts
Cape Hatteras Light: Striped brick tower on the Outer Banks
Sumburgh Head Lighthouse: First lighthouse on Shetland
Belle Tout Lighthouse: Former lighthouse on the cliff near Beachy Head
Beachy Head Lighthouse: Striped tower in the sea below Beachy Head
Ar-Men Lighthouse: Rock tower at the end of the reefs of Sein
La Jument Lighthouse: Tower on a rock off Ushant
Eckmühl Lighthouse: Lighthouse at Penmarc'h in Brittany
Île Vierge Lighthouse: Tallest stone lighthouse in Europe
Jeddah Light: Very tall concrete light tower in Saudi Arabia
Macquarie Lighthouse: First lighthouse of Australia
Horsburgh Lighthouse: Lighthouse on Pedra Branca, lit in 1851
Godrevy Lighthouse: Island lighthouse in Cornwall
== structure
Citadel of Qaitbay: Fort of the 1470s on the site of the Pharos
Dover Castle: Castle above the harbour of Dover
St Mary in Castro: Church beside the Roman lighthouse of Dover
Carlsten Fortress: Fortress at Marstrand in Sweden
Crystal Palace: Glass hall of the exhibition of 1851
Bell Rock Signal Tower: Shore station of the Bell Rock in Arbroath
beacon house: Wooden barrack on legs beside the works on the Bell Rock
Statue of Liberty: Statue that served as a lighthouse until 1902
== person
Ptolemy I Soter: First Ptolemaic king of Egypt
Ptolemy II Philadelphus: King of Egypt who finished the Pharos
Sostratus of Cnidus: Greek connected with the building of the Pharos
Ibn Battuta: Moroccan traveller of the fourteenth century
Qaitbay: Mamluk sultan of Egypt
Jean-Yves Empereur: French archaeologist who dived at Alexandria
Claudius: Roman emperor who built Portus
Caligula: Roman emperor before Claudius
Gaius Sevius Lupus: Roman architect of the Tower of Hercules
Eustaquio Giannini: Engineer who restored the Tower of Hercules
William Marshal: Knight and lord of Leinster
Antonio Columbus: Keeper of the Lanterna of Genoa
Christopher Columbus: Navigator from Genoa
Jens Pedersen Grove: Danish inventor of the tilting light
Robert Stevenson: Scottish engineer who built the Bell Rock Lighthouse
Louis de Foix: Architect of Cordouan
Edward the Black Prince: English prince who ruled Aquitaine
Joseph Teulère: Engineer who raised the tower of Cordouan
Augustin-Jean Fresnel: French physicist and inventor of the lighthouse lens
François Arago: French physicist and astronomer
Léonor Fresnel: Engineer and brother of Augustin-Jean Fresnel
Alan Stevenson: Scottish engineer who built Skerryvore
Comte de Buffon: French naturalist
Marquis de Condorcet: French mathematician and philosopher
David Brewster: Scottish physicist
François Soleil: Paris optician who ground the first Fresnel lenses
James Timmins Chance: Glass maker and designer of lighthouse optics
John Hopkinson: Physicist who introduced group-flashing lights
Aimé Argand: Inventor of a lamp with a hollow wick
Matthew Boulton: English manufacturer
Bernard Guillaume Carcel: Paris clockmaker and lamp inventor
William Hutchinson: Dock master of Liverpool and mirror maker
Jonas Norberg: Swedish engineer of the first revolving light
Léon Bourdelles: French lighthouse engineer
Charles Babbage: English pioneer of calculating engines
Carl Auer von Welsbach: Austrian chemist, inventor of the gas mantle
Arthur Kitson: Inventor of an oil vapour burner
David Hood: Engineer of Trinity House
Gustaf Dalén: Swedish engineer and Nobel laureate
Frederick Hale Holmes: Maker of magneto-electric generators
Michael Faraday: English scientist and adviser of Trinity House
James Douglass: Engineer-in-chief of Trinity House
Guglielmo Marconi: Italian pioneer of wireless
Henry VIII: King of England
Samuel Wyatt: English architect
Thomas Smith: First engineer of the Northern Lighthouse Board
Henry Winstanley: Builder of the first Eddystone light
Louis XIV: King of France
John Rudyerd: Builder of the second Eddystone light
Henry Hall: Aged keeper of the Eddystone
John Smeaton: Civil engineer of the third Eddystone light
John Rennie: Scottish civil engineer
Robert Southey: English poet
Walter Scott: Scottish novelist and poet
David Stevenson: Lighthouse engineer, son of Robert Stevenson
Thomas Stevenson: Lighthouse engineer, father of the novelist
Robert Louis Stevenson: Scottish novelist from the family of engineers
James Ducat: Principal keeper of the Flannan Isles
Thomas Marshall: Keeper of the Flannan Isles
Donald McArthur: Occasional keeper of the Flannan Isles
Joseph Moore: Relief keeper who searched the Flannan Isles station
Robert Muirhead: Superintendent who examined the Flannan Isles case
Wilfrid Wilson Gibson: English poet
Duke of Edinburgh: Master of Trinity House in 1998
Lord Braybrooke: Owner who paid for the Orfordness tower
George Halpin: Irish lighthouse engineer
William Douglass: Engineer of the Commissioners of Irish Lights
James Kavanagh: Foreman who set the stones of Fastnet
Alexander Mitchell: Blind Irish engineer
Alexander Gordon: English designer of iron lighthouses
James Walker: Engineer of several rock lighthouses
Nicholas Douglass: Father of two lighthouse engineers
Henry Whiteside: Instrument maker who designed the first Smalls light
Thomas Griffith: Keeper who died on the Smalls
Thomas Howell: Keeper left alone on the Smalls
Grace Darling: Keeper's daughter and heroine of a rescue
William Darling: Keeper of the Longstone
Ida Lewis: Keeper at Newport who saved many lives
Abbie Burgess: Keeper's daughter who tended Matinicus Rock
George Worthylake: First keeper of Boston Light
Benjamin Franklin: American printer, scientist and statesman
George Washington: First president of the United States
John McComb Jr.: New York builder of lighthouses
Stephen Pleasonton: Auditor who ran American lighthouses until 1852
Winslow Lewis: Seller of lamps to the American government
Matthew C. Perry: American naval officer
Joseph Henry: American physicist
George R. Putnam: Commissioner of American lighthouses
Frédéric Auguste Bartholdi: French sculptor
Robert Foulis: Inventor of the steam fog whistle
John Tyndall: Physicist and adviser of Trinity House
John Pell Northey: Canadian inventor of the diaphone
Robert Hope-Jones: Organ builder
Robert Hamblin: Promoter of the first lightship
David Avery: Partner in the first lightship
Thomas Matthews: Engineer-in-chief of Trinity House
Jean Guichard: French photographer of lighthouses
Théodore Malgorn: Keeper of La Jument
Marquise de Blocqueville: Founder of the Eckmühl Lighthouse
Louis-Nicolas Davout: Marshal of France
Richard Henry Brunton: Builder of lighthouses in Japan
Léonce Verny: French engineer in Japan
Francis Greenway: Convict architect in New South Wales
James Barnet: Colonial architect in Sydney
John Turnbull Thomson: Surveyor who built Horsburgh Lighthouse
James Horsburgh: Scottish hydrographer
Virginia Woolf: English novelist
Jules Verne: French novelist
== organisation
Trinity House: Lighthouse authority for England and Wales, chartered in 1514
Northern Lighthouse Board: Lighthouse authority for Scotland and the Isle of Man
Commissioners of Irish Lights: Lighthouse authority for the island of Ireland
Commission des Phares: French lighthouse commission
Stevenson family: Family of Scottish lighthouse engineers
Henry-Lepaute: Paris maker of clocks and lenses
Sautter: Paris maker of lenses
Barbier: Paris maker of lenses
Chance Brothers: Glass and lens makers near Birmingham
AGA: Swedish gas accumulator company
Museum of Scottish Lighthouses: Museum at Fraserburgh
IALA: International body for marine aids to navigation
Royal Society: Academy of sciences in London
United States Lighthouse Board: American lighthouse authority from 1852 to 1910
United States Coast Guard: Service in charge of American lights since 1939
National Park Service: Agency of the United States
International Court of Justice: Court of the United Nations at The Hague
== place
London: Capital of England
Egypt: Country on the Nile
Roman Empire: Ancient empire around the Mediterranean
Alexandria: Port city in Egypt
Pharos Island: Island in front of ancient Alexandria
Portus: Artificial harbour of ancient Rome
Ostia: Old port of Rome
Boulogne-sur-Mer: French port on the Channel
English Channel: Sea between England and France
A Coruña: Port city in Galicia
Spain: Country in Europe
Ireland: Island west of Great Britain
New Ross: Irish river port
Genoa: Port city in Liguria
Italy: Country in Europe
Skagen: Northern tip of Jutland
Denmark: Country in Europe
Scotland: Northern part of Great Britain
Isle of May: Island in the Firth of Forth
Firth of Forth: Estuary on the east of Scotland
Gironde: Estuary in the south-west of France
France: Country in Europe
Broglie: Village in Normandy
Hawaii: Island state in the Pacific
United States: Country in North America
Paris: Capital of France
Smethwick: Industrial town near Birmingham
Geneva: City in Switzerland
Liverpool: Port on the Mersey
Bidston Hill: Hill with a lighthouse on the Wirral
Sweden: Country in Europe
Austria: Country in Europe
River Tyne: River in the north-east of England
Wimereux: French seaside town near Boulogne
Goodwin Sands: Sandbank off the coast of Kent
Deptford: District of London on the Thames
Channel Islands: Islands off Normandy
Gibraltar: Territory at the entrance of the Mediterranean
Lowestoft: Port in Suffolk
Tower Hill: Site in London beside the Tower
Edinburgh: Capital of Scotland
Isle of Man: Island in the Irish Sea
Fraserburgh: Fishing port in Aberdeenshire
Dún Laoghaire: Harbour town south of Dublin
Howth: Peninsula near Dublin
Dublin Bay: Bay on the east of Ireland
Saint-Germain-en-Laye: Town west of Paris
Eddystone Rocks: Reef south of Plymouth
Plymouth: Port in Devon
Plymouth Hoe: Public height above the sea at Plymouth
Inchcape: Reef in the North Sea off Arbroath, also called the Bell Rock
Arbroath: Town on the east coast of Scotland
Skerryvore: Reef in the Atlantic off Tiree
Shetland: Northernmost islands of Scotland
Orkney: Islands north of the Scottish mainland
Tiree: Island of the Inner Hebrides
Hynish: Harbour on Tiree
Unst: Island of Shetland
Erraid: Tidal island beside Mull
Isle of Mull: Island of the Inner Hebrides
Outer Hebrides: Island chain west of Scotland
Kent: County in the south-east of England
Thames Estuary: Mouth of the Thames
Eastbourne: Seaside town in Sussex
Royal Sovereign Shoal: Shoal in the Channel off Eastbourne
Suffolk: County in the east of England
North Sea: Sea between Great Britain and the continent
County Cork: County in the south of Ireland
Fastnet Rock: Rock in the Atlantic south of Ireland
Maplin Sands: Mud flats in the Thames Estuary
Fleetwood: Port in Lancashire
Chesapeake Bay: Estuary on the American east coast
Weser: River in Germany
Germany: Country in Europe
Morant Point: Eastern end of Jamaica
Jamaica: Island in the Caribbean
Bermuda: Islands in the Atlantic
Bishop Rock: Rock west of the Isles of Scilly
Isles of Scilly: Islands off Cornwall
Land's End: Western tip of Cornwall
Sri Lanka: Island in the Indian Ocean
Pembrokeshire: County in the south-west of Wales
Wales: Western part of Great Britain
Farne Islands: Islands off Northumberland
Bamburgh: Village in Northumberland
Lime Rock: Rock in the harbour of Newport
Newport, Rhode Island: Port in New England
Maine: State in New England
Little Brewster Island: Island in Boston Harbor
Boston: Port in Massachusetts
Cape Henry: Cape at the entrance of the Chesapeake Bay
Virginia: State of the United States
New Jersey: State of the United States
Massachusetts: State in New England
Outer Banks: Barrier islands of North Carolina
North Carolina: State of the United States
Diamond Shoals: Shifting shoals off Cape Hatteras
Atlantic Ocean: Ocean between America, Europe and Africa
New York Harbor: Harbour at the mouth of the Hudson
Canada: Country in North America
Louisbourg: Former French fortress town on Cape Breton
Sambro Island: Island near Halifax
Halifax, Nova Scotia: Port in Canada
Saint John, New Brunswick: Port in Canada
Partridge Island: Island at the harbour of Saint John
Toronto: City in Canada
Harwich: Port in Essex
England: Country of the United Kingdom
Nore: Sandbank in the mouth of the Thames
Cape Point: Headland south of Cape Town
South Africa: Country in Africa
Bellows Rock: Rock in the sea off Cape Point
Lundy: Island off Devon
Bristol Channel: Inlet between Wales and England
Île de Sein: Low island off Brittany
Brittany: Region in the west of France
Ushant: Island off Brittany
Penmarc'h: Commune in Brittany
Saudi Arabia: Country in Asia
Japan: Island country in Asia
Kannonzaki: Cape at the entrance of Tokyo Bay
Australia: Country in the southern hemisphere
Sydney Harbour: Natural harbour of Sydney
Pedra Branca: Rock at the entrance of the Singapore Strait
Singapore: City state in Asia
Cornwall: County in the south-west of England
Isla de los Estados: Island east of Tierra del Fuego
== technology
granite: Hard stone of many rock towers
clockwork: Mechanism driven by a falling weight or spring
cast iron: Metal of prefabricated towers
oil lamp: Lamp with a wick that burns oil
paraffin: Lamp oil distilled from petroleum
tilting lever light: Basket of burning coal at the end of a lever
coal fire beacon: Open fire of coal on a tower
Fresnel lens: Lens of concentric stepped rings and prisms
wave theory of light: Theory that light is a wave
bull's-eye panel: Round central lens of a flashing optic
catadioptric prism: Prism that both bends and reflects light
first-order lens: Large lens with a focal distance of 920 mm
sixth-order lens: Small lens with a focal distance of 150 mm
hyperradiant lens: Largest class of lens, focal distance 1,330 mm
incandescent mantle: Glowing web of oxides in a hot flame
stepped lens: Lens thinned by cutting its surface in steps
group-flashing light: Light with groups of flashes
Argand lamp: Oil lamp with a hollow wick and a glass chimney
parabolic reflector: Curved mirror behind a lamp
concentric wick lamp: Lamp with several ring-shaped wicks
Carcel lamp: Oil lamp with a clockwork pump
revolving light: Light whose beam turns
mercury bath: Trough of quicksilver on which a lens floats
occulting light: Steady light with short eclipses
oil vapour burner: Burner for vaporised paraffin
sun valve: Valve that shuts off the gas in daylight
acetylene: Gas burned in beacons and buoys
Agamassan: Porous filling that makes acetylene safe
arc lamp: Electric lamp with a spark between carbon rods
ventilating chimney: Flue that leads fumes out of a lantern
Maritime Buoyage System: World-wide rules for buoys
hydraulic lime: Lime that sets under water
Portland cement: Binder of modern concrete
helicopter deck: Landing platform on top of a lighthouse
holophotal system: Optic that sends all light into the beam
Stevenson screen: Louvred box for thermometers
lightship: Moored ship that carries a light
screw pile: Iron leg with a screw blade at its foot
caisson: Foundation box sunk into the sea bed
iron lighthouse: Tower of cast-iron plates
fog cannon: Gun fired as a fog signal
steam fog whistle: Fog signal blown by steam
fog siren: Fog signal with a turning slotted disc
diaphone: Fog signal with a slotted piston
foghorn: Fog signal blown by compressed air
fog bell: Bell rung in fog
explosive fog signal: Charges fired in fog
tonite: Explosive used for fog signals
solar panel: Source of electricity from sunlight
LED lamp: Lamp of light-emitting diodes
GPS: Satellite navigation
groyne: Wall that keeps sand on a beach
hydraulic jack: Machine for lifting great weights
== role
lighthouse keeper: Person who lives at and tends a light
== ship
East Goodwin lightship: Lightship with an early wireless set
HMS York: Warship lost in 1804
Hesperus: Relief ship of the Flannan Isles
relief boat: Boat that brings keepers and supplies
Stephen Whitney: American sailing ship wrecked in 1847
Forfarshire: Paddle steamer wrecked in 1838
Lusitania (1906): Portuguese liner wrecked in 1911
== event
1303 Crete earthquake: Earthquake in the eastern Mediterranean
Great Storm of 1703: Storm that struck England
Crimean War: War of 1853 to 1856
== work
The Inchcape Rock: Ballad by Robert Southey
The Pirate: Novel by Walter Scott
Kidnapped: Novel by Robert Louis Stevenson
Flannan Isle: Ballad of 1912 about the lost keepers
To the Lighthouse: Novel by Virginia Woolf
The Lighthouse at the End of the World: Novel by Jules Verne
Lighthouses Act of 1789: Early law of the United States on lighthouses
== honour
Seven Wonders of the Ancient World: Ancient list of great buildings
UNESCO World Heritage: International list of heritage sites
monument historique: Legal protection of monuments in France
Nobel Prize in Physics: Prize given since 1901
Gold Lifesaving Medal: American medal for rescues
"""

# Questions for the demo's vector search: question -> documents that answer it, best first.
QUERIES = {
    "Which valve of Gustaf Dalén shuts a gas light off by itself in daylight?": ["gustaf-dalen"],
    "Who rowed out with her father to save people from a wrecked paddle steamer?": ["grace-darling"],
    "What happened to the two keepers at the Smalls when one of them died?": ["smalls"],
    "Is the lighthouse on a concrete platform off Eastbourne still in service?": ["royal-sovereign"],
    "How does a lens made of rings gather the light of a lamp into one beam?": [
        "fresnel-lens-principle", "stepped-lens-before-fresnel", "cordouan-first-lens"],
    "How were ships warned when fog hid the light?": [
        "fog-signals", "rock-station-life", "fog-whistle-foulis", "tyndall-fog-trials", "diaphone"],
}
