// Words that tool authors and people use for the same thing. One group a line; a group is symmetric. General language and
// common file and product names only: a group that would help one query must hold for any catalog.

export const synonymGroups: readonly (readonly string[])[] = `
get fetch retrieve obtain read query lookup access pull
search find query lookup locate discover explore seek
list show enumerate browse display
create make generate build new draft compose produce prepare
write save store export output record
edit update modify change revise adjust
delete remove erase drop clear
add insert append attach include write
send post publish submit share
download save export
open load read view
convert transform translate change
draw plot render visualize paint chart graph diagram
calculate compute evaluate estimate calculation math arithmetic sum
compare diff difference contrast change
summarize summary brief digest overview abstract
recommend suggest recommendation suggestion advice
analyze analysis examine inspect study assess evaluate
check verify validate test
describe detail info information about profile metadata
run execute launch start
stop kill terminate end close
choose pick select sample
copy duplicate clone
move rename
merge combine join concatenate
split divide separate
count number statistics stats
picture image photo photograph screenshot
movie film video
music audio song sound
folder directory dir
file document
text txt plain
word docx document
excel spreadsheet xlsx workbook sheet
powerpoint ppt pptx presentation slide deck
markdown md note
website webpage web site page url internet online
shop store buy purchase product
cheap discount deal bargain
repository repo git github
commit history log
package library dependency module
vulnerability security cve
documentation docs guide tutorial reference manual
paper article publication research
stock ticker share equity company
price cost quote value worth
gold silver metal asset commodity
crypto cryptocurrency bitcoin btc ethereum eth coin token
currency exchange forex money
revenue income earning financial finance
train rail railway
flight airline plane airport
hotel homestay accommodation lodging stay rental airbnb
trip travel itinerary tour journey vacation
route direction path navigation
address geocode coordinate latitude longitude place location
nearby near close surrounding neighborhood
restaurant attraction amenity poi
weather forecast temperature climate
time date day clock
calendar almanac schedule agenda
news headline story
trend trending hot popular rank ranking top
comment reply discussion
recipe meal cook dish food menu diet
museum exhibition artwork art
container docker
memory remember knowledge note
task todo
flowchart flow diagram
mindmap mind
icon logo symbol
component widget ui
dataset data
transcript caption subtitle
random lottery raffle
email mail message inbox
database sql table query
issue bug ticket
user account member person
error failure exception
deploy release publish
translate translation language
`
  .trim()
  .split('\n')
  .map((line) => line.split(' '));
