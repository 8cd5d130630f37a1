import Foundation

/// A value as people and programs read it: indented, keys sorted.
///
/// - Throws: ``ExperimentError/input(_:)`` that names a number which JSON cannot hold.
package func jsonText(_ value: some Encodable) throws(ExperimentError) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  do {
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  } catch EncodingError.invalidValue(let number, let context) {
    let place = context.codingPath.map { $0.intValue.map { "\($0 + 1)" } ?? $0.stringValue }.joined(separator: " ")
    throw .input(
      "\(place) is \(number), which JSON has no word for: weights or inputs are too large or too small; rescale them to "
        + "ordinary sizes")
  } catch {
    throw .input("\(error)")
  }
}
