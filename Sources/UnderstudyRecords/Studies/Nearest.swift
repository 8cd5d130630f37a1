/// The least number of insertions, deletions and replacements of characters that make one text of the other.
///
/// - Complexity: O(|first| x |second|).
func editDistance(_ first: String, _ second: String) -> Int {
  let first = Array(first)
  let second = Array(second)
  var row = Array(0...second.count)
  for (i, character) in first.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in second.enumerated() {
      let replaced = diagonal + (character == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[second.count]
}

/// The known name that is spelt most like a mistyped one, and how far off that is; nil only if nothing is known.
///
/// Case, `_` and `-` do not count (`learning_rate` is `learningRate`), and a dotted name is also compared by its last part,
/// so that a key at the wrong level finds its place.
private func nearestSpelling(
  to name: String, among known: some Sequence<String>
) -> (name: String, distance: Int, length: Int)? {
  func lastPart(_ text: String) -> String { plainSpelling(text.split(separator: ".").last ?? "") }
  var best: (name: String, distance: Int, length: Int, rank: (Double, Int, Int))?
  for candidate in known {
    let (whole, part) = (plainSpelling(candidate), lastPart(candidate))
    let distances = (editDistance(plainSpelling(name), whole), editDistance(lastPart(name), part))
    // Half a point less for the whole name: at equal distance the same group wins.
    let distance = min(Double(distances.0), Double(distances.1) + 0.5)
    // Of equals, one of the same group; then the one of fewest parts.
    let isOfGroup = name.contains(".") && candidate.prefix { $0 != "." } == name.prefix { $0 != "." }
    let rank = (distance, isOfGroup ? 0 : 1, candidate.count { $0 == "." })
    guard best.map({ rank < $0.rank }) ?? true else { continue }
    best =
      distances.0 <= distances.1
      ? (candidate, distances.0, whole.count, rank) : (candidate, distances.1, part.count, rank)
  }
  return best.map { ($0.name, $0.distance, $0.length) }
}

/// The known name that a mistyped one most likely means; nil only if nothing is known.
func nearest(to name: String, among known: some Sequence<String>) -> String? {
  nearestSpelling(to: name, among: known)?.name
}

/// The known name of which another one is a slip: two letters differ (of short names one), or every third; nil if there is none.
func slip(_ name: String, among known: some Sequence<String>) -> String? {
  guard let nearest = nearestSpelling(to: name, among: known) else { return nil }
  let most = max(nearest.length < 5 ? 1 : 2, nearest.length / 3)
  return nearest.distance < name.count && nearest.distance <= most ? nearest.name : nil
}

/// The known name of which another one has more words, or fewer (`two-layer-sweep`, `two-dim`): the longest of the former, or the only
/// one of the latter; nil if there is none.
private func sameBeginning(as name: String, among known: [String]) -> String? {
  let shorter = known.filter { name.hasPrefix("\($0)-") }
  if let longest = shorter.max(by: { $0.count < $1.count }) { return longest }
  let longer = known.filter { name.count > 3 && $0.hasPrefix(name) }
  return longer.count == 1 ? longer[0] : nil
}

/// The known name that another one most likely means: what other programs call so, of which it is a slip, or with which it begins;
/// nil if there is none.
package func likelyName(for name: String, among known: [String]) -> String? {
  Synonyms.same(as: name, among: Set(known)).first ?? slip(name, among: known) ?? sameBeginning(as: name, among: known)
}

/// What is known and other programs call so, in order of preference.
package func sameNames(as name: String, among known: [String]) -> [String] {
  Synonyms.same(as: name, among: Set(known))
}

/// What to do about an unknown name, as an error's remedy: the name that means the same here if other programs use this one, a
/// name that is spelt like it, the place of one that belongs elsewhere, or else the nearest spelling.
package func unknownNameRemedy(for name: String, among known: [String]) -> String {
  let same = Synonyms.same(as: name, among: Set(known))
  if !same.isEmpty { return "here it is called \(same.joined(separator: " or "))" }
  if let reason = Synonyms.reasonForAbsence(of: name) { return reason }
  if let slip = slip(name, among: known) { return "the nearest known one is \(slip)" }
  if let place = Synonyms.otherPlace(of: name) { return place }
  // What is far is a guess.
  return "the nearest known one is \(nearest(to: name, among: known) ?? "none") (`understudy keys` lists all)"
}
