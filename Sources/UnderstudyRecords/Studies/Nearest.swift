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

/// The known name that a mistyped one most likely means; nil only if nothing is known.
///
/// Case, `_` and `-` do not count (`learning_rate` is `learningRate`), and a dotted name is also compared by its last part,
/// so that a key at the wrong level finds its place.
func nearest(to name: String, among known: some Sequence<String>) -> String? {
  func lastPart(_ text: String) -> String { plainSpelling(text.split(separator: ".").last ?? "") }
  var best: (name: String, rank: (Double, Int, Int))?
  for candidate in known {
    let whole = Double(editDistance(plainSpelling(name), plainSpelling(candidate)))
    // Half a point less for the whole name: at equal distance the same group wins.
    let part = Double(editDistance(lastPart(name), lastPart(candidate))) + 0.5
    let distance = min(whole, part)
    // Of equals, one of the same group; then the one of fewest parts.
    let isOfGroup = name.contains(".") && candidate.prefix { $0 != "." } == name.prefix { $0 != "." }
    let rank = (distance, isOfGroup ? 0 : 1, candidate.count { $0 == "." })
    if best.map({ rank < $0.rank }) ?? true { best = (candidate, rank) }
  }
  return best?.name
}

/// What to do about an unknown name, as an error's remedy: the name that means the same here if other programs use this one,
/// or else the nearest spelling.
func unknownNameRemedy(for name: String, among known: [String]) -> String {
  Synonyms.remedy(for: name, among: Set(known))
    ?? "the nearest known one is \(nearest(to: name, among: known) ?? "none")"
}

/// The known name of which another one is most likely a slip: two letters differ, or every third; nil if there is none.
package func likelyName(for name: String, among known: [String]) -> String? {
  guard let candidate = nearest(to: name, among: known) else { return nil }
  let distance = editDistance(plainSpelling(name), plainSpelling(candidate))
  return distance < name.count && distance <= max(2, candidate.count / 3) ? candidate : nil
}
