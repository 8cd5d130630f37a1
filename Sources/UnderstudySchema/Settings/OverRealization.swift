/// n_l / m_l, student nodes for each teacher node: one factor for all hidden layers, written `2`, or one for each, lowest first,
/// written `2-1-1`.
public struct OverRealization: Codable, Hashable, Sendable {
  /// One for all hidden layers, or one for each of them. Equal factors of all layers are one factor, so that settings of one
  /// meaning are equal and their runs have one hash.
  public let factors: [Double]

  /// One factor for all hidden layers.
  public init(_ factor: Double) { factors = [factor] }

  /// Factors of all hidden layers, lowest first; not empty.
  public init(_ factors: [Double]) { self.factors = Set(factors).count == 1 ? [factors[0]] : factors }

  /// The factors that a text writes, at least two.
  ///
  /// - Throws: ``TextFormError`` for what is no list of numbers, for layers narrower than the teacher's, and for too many layers.
  public init(_ text: String) throws(TextFormError) {
    var factors: [Double] = []
    for part in text.split(separator: "-", omittingEmptySubsequences: false) {
      let digits = part.trimmed
      guard let first = digits.unicodeScalars.first, ("0"..."9").contains(first), let factor = Double(digits) else {
        throw .notOfTheForm
      }
      guard NumberRange.factor.contains(factor) else {
        let problem =
          factor < 1 ? "would be narrower than its teacher's" : "would be out of range, 1 to 1000000"
        throw .outOfRange("hidden layer \(layerLabel(factors.count + 1)) \(problem), with a factor of \(digits)")
      }
      factors.append(factor)
    }
    guard factors.count > 1 else { throw .notOfTheForm }
    guard factors.count <= LayerWidths.greatestDepth else {
      throw .outOfRange("\(factors.count) hidden layers are more than \(LayerWidths.greatestDepth)")
    }
    self.init(factors)
  }

  /// The factor of a hidden layer, the lowest being 0.
  public func factor(ofLayer index: Int) -> Double { factors[min(index, factors.count - 1)] }

  /// The factor of the highest hidden layer.
  public var last: Double { factors[factors.count - 1] }

  /// n_l of each hidden layer, lowest first: m_l times its factor, rounded up.
  public func widths(over teacher: [Int]) -> [Int] {
    teacher.enumerated().map { index, nodes in wholeNumber(of: nodes, times: factor(ofLayer: index), .up) }
  }

  /// What is wrong with the number of factors for a teacher of `depth` hidden layers, and what to give instead; nil if nothing is.
  ///
  /// - Parameter count: the factors as they were written, where equal ones are not one.
  package func objection(depth: Int, count: Int? = nil) -> (problem: String, remedy: String)? {
    let count = count ?? factors.count
    guard count > 1, count != depth else { return nil }
    let layers = depth == 1 ? "1 hidden layer" : "\(depth) hidden layers"
    func joined(_ factors: [String]) -> String { factors.joined(separator: "-") }
    let written = count == factors.count ? description : joined(Array(repeating: description, count: count))
    let example = joined(["2"] + Array(repeating: "1", count: depth - 1))
    return (
      "student.overRealization \(written) has \(count) factors, but the teacher has \(layers)",
      "give one factor for all layers" + (depth == 1 ? "" : ", or one for each, e.g. \(example)")
    )
  }
}

extension OverRealization: CustomStringConvertible, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  public var description: String { factors.map { KeyValue.number($0).description }.joined(separator: "-") }

  public init(floatLiteral value: Double) { self.init(value) }
  public init(integerLiteral value: Int) { self.init(Double(value)) }
}

extension OverRealization {
  /// A number, as it was before layers could have factors of their own, or a text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if factors.count == 1 { try container.encode(factors[0]) } else { try container.encode(description) }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let factor = try? container.decode(Double.self) {
      self.init(factor)
    } else {
      try self.init(try container.decode(String.self))
    }
  }

  /// As the value of a key: a number if all layers have one factor, else a text.
  package var keyValue: KeyValue { factors.count == 1 ? .number(factors[0]) : .text(description) }

  /// nil for what is no value of the key.
  package init?(_ value: KeyValue) {
    if let number = value.number {
      self.init(number)
    } else if case .text(let text) = value, let factors = try? OverRealization(text) {
      self = factors
    } else {
      return nil
    }
  }
}

/// A number of nodes times a decimal, rounded. What is whole in decimals stays so: 10 x 1.1 is 11, though the product of doubles
/// is 11.000000000000002, and 100 x 0.29 is 29, not 28.999999999999996.
package func wholeNumber(of count: Int, times factor: Double, _ rule: FloatingPointRoundingRule) -> Int {
  let product = Double(count) * factor
  // Half a unit in the last place of the decimal, and half a one of the product.
  let isWhole = abs(product - product.rounded()) <= 2 * product.ulp
  return Int(isWhole ? product.rounded() : product.rounded(rule))
}
