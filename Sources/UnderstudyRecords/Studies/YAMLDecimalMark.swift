import UnderstudySchema
import Yams

// A comma as the decimal mark makes two values of one number between brackets and braces, which YAML cannot tell from a
// list. It is noticed where nothing else can be meant.

/// `[0,001]` is 0 and `001`: nobody writes an integer with zeros before it right behind a comma.
///
/// - Throws: `StudyError` of kind `syntax`.
func checkDecimalMarks(_ sequence: Node.Sequence, _ place: YAMLTree.Place) throws(StudyError) {
  let scalars = sequence.map(\.scalar)
  for (whole, fraction) in zip(scalars, scalars.dropFirst()) {
    guard let whole, let fraction, fraction.string.count > 1, fraction.string.hasPrefix("0") else { continue }
    try refuseDecimalMark(whole, fraction, place)
  }
}

/// `{learningRate: 0,001}` has a key `001` without a value.
///
/// - Throws: `StudyError` of kind `syntax`.
func checkDecimalMark(
  _ key: Node.Scalar, _ value: YAMLTree, after previous: Node.Scalar?, _ place: YAMLTree.Place
) throws(StudyError) {
  guard value.isNull, let previous else { return }
  try refuseDecimalMark(previous, key, place)
}

private func refuseDecimalMark(
  _ whole: Node.Scalar, _ fraction: Node.Scalar, _ place: YAMLTree.Place
) throws(StudyError) {
  guard let end = whole.mark, let start = fraction.mark, start.line == end.line,
    start.column == end.column + whole.string.count + 1, Int(whole.string) != nil, isFraction(fraction.string)
  else { return }
  throw StudyError(
    .syntax, origin: place.origin, line: place.line,
    problem: "\(whole.string),\(fraction.string) is read as two values, not as one number",
    remedy: "write \(withPoint(whole.string, fraction.string))")
}

/// `0.001 with a point`; for `10,000`, which may be either, `10000, or 10.000 with a point`.
private func withPoint(_ whole: String, _ fraction: String) -> String {
  let isThousands = fraction.count == 3 && Int(whole) != 0 && Int(fraction) != nil
  return (isThousands ? "\(whole)\(fraction), or " : "") + "\(whole).\(fraction) with a point"
}

/// `001`, `5`, `5e-3`: what may stand behind a decimal mark.
private func isFraction(_ text: String) -> Bool {
  guard let first = text.unicodeScalars.first, ("0"..."9").contains(first) else { return false }
  return Double("0." + text) != nil
}

extension YAMLTree {
  /// What to write for a text like `0,5` where a number is asked for; nil for other values.
  var decimalMarkRemedy: String? {
    guard case .scalar(.text, let written) = content else { return nil }
    let parts = written.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
    guard parts.count == 2, Int(parts[0]) != nil, isFraction(parts[1]) else { return nil }
    return "write \(withPoint(parts[0], parts[1])), or [\(parts[0]), \(parts[1])] for two values"
  }
}
