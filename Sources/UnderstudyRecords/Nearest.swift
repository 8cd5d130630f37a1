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
  func plain(_ text: some StringProtocol) -> String { text.lowercased().filter { $0 != "_" && $0 != "-" } }
  func lastPart(_ text: String) -> String { plain(text.split(separator: ".").last ?? "") }
  var best: (name: String, distance: Double)?
  for candidate in known {
    let whole = Double(editDistance(plain(name), plain(candidate)))
    // Half a point less for the whole name: at equal distance the same group wins.
    let part = Double(editDistance(lastPart(name), lastPart(candidate))) + 0.5
    let distance = min(whole, part)
    if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
  }
  return best?.name
}
