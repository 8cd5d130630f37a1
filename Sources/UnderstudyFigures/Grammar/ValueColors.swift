import UnderstudySchema

/// The colours of a key's values, which a value keeps in every figure of a study, whichever part of the grid is drawn.
///
/// Over-realization has colours of its own, which are the same in every study; so have keys with named choices.
struct ValueColors {
  /// The usual multiples. Those that are no Okabe and Ito colours are of Paul Tol's muted scheme.
  private static let multiples: [(value: Double, color: String)] = [
    (1, "#0072B2"), (2, "#D55E00"), (5, "#009E73"), (10, "#CC79A7"), (3, "#E69F00"), (20, "#56B4E9"), (50, "#000000"),
    (1.5, "#332288"), (4, "#882255"), (8, "#999933"), (100, "#7F5A3C"),
  ]

  private let values: [KeyValue]
  private let colors: [JSONValue]

  /// - Parameters:
  ///   - path: of the key.
  ///   - values: all values that it has in the study, in order.
  init(_ path: String, values: [KeyValue]) {
    self.values = values
    if path == "student.overRealization" {
      colors = Self.multipleColors(values.map(\.number))
    } else {
      colors =
        Self.places(path, values).map { places in
          places.map { FigureStyle.palette[$0] }
        } ?? FigureStyle.series(values.count)
    }
  }

  subscript(value: KeyValue) -> JSONValue {
    values.firstIndex { $0.isSame(as: value) }.map { colors[$0] } ?? FigureStyle.gray
  }

  /// The places of named choices among all that the key can have; nil of other keys, and of more than there are colours.
  private static func places(_ path: String, _ values: [KeyValue]) -> [Int]? {
    let choices: [KeyValue]
    switch StudyKey.named(path)?.form {
    case .choice(let names): choices = names.map(KeyValue.text)
    case .boolean: choices = [.boolean(false), .boolean(true)]
    default: return nil
    }
    let places = values.compactMap { value in choices.firstIndex(of: value) }
    return places.count == values.count && places.allSatisfy(FigureStyle.palette.indices.contains) ? places : nil
  }

  /// Unusual multiples, and those that differ by layer, take what the usual ones of the study leave, in order.
  private static func multipleColors(_ values: [Double?]) -> [JSONValue] {
    guard values.count <= multiples.count else { return FigureStyle.ramp(values.count) }
    var free = multiples.filter { !values.contains($0.value) }.map(\.color)
    return values.map { value in
      .text(multiples.first { $0.value == value }?.color ?? free.removeLast())
    }
  }
}
