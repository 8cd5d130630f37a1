/// Learning rates by epoch; written `0: 0.2, 20: 0.1`: 0.2 in the first twenty epochs, 0.1 from then on.
public struct LearningRateSchedule: Codable, Hashable, Sendable, CustomStringConvertible {
  /// A rate and when it sets in.
  public struct Entry: Codable, Hashable, Sendable {
    /// Epochs that have passed when the rate sets in.
    public var start: Int
    public var rate: Double

    public init(start: Int, rate: Double) {
      self.start = start
      self.rate = rate
    }
  }

  /// Ascending, the first with start 0.
  public let entries: [Entry]

  /// The rate of an epoch, counted from 1: that of the last entry whose start has passed.
  public func rate(epoch: Int) -> Double {
    (entries.last { $0.start <= epoch - 1 } ?? entries[0]).rate
  }

  public var description: String {
    entries.map { "\($0.start): \(KeyValue.number($0.rate))" }.joined(separator: ", ")
  }

  /// A schedule of these rates, each from its epoch on.
  ///
  /// - Throws: ``TextFormError`` for a schedule that does not begin at epoch 0 or does not ascend, and for rates that are not
  ///   positive and finite.
  public init(_ entries: [Entry]) throws(TextFormError) {
    guard let first = entries.first else { throw .notOfTheForm }
    guard first.start == 0 else { throw .outOfRange("the schedule begins at epoch \(first.start), not at epoch 0") }
    for (previous, next) in zip(entries, entries.dropFirst()) where next.start <= previous.start {
      throw .outOfRange("epoch \(next.start) comes after epoch \(previous.start), epochs must ascend")
    }
    for entry in entries where !(entry.rate > 0 && entry.rate.isFinite) {
      throw .outOfRange("the rate \(KeyValue.number(entry.rate)) from epoch \(entry.start) on is not greater than 0")
    }
    self.entries = entries
  }

  /// The schedule that a text writes.
  ///
  /// - Throws: ``TextFormError``, as ``init(_:)`` for entries, and for what has not the form.
  public init(_ text: String) throws(TextFormError) {
    var entries: [Entry] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: ":", omittingEmptySubsequences: false)
      guard sides.count == 2, let start = Int(sides[0].trimmed), start >= 0, let rate = Double(sides[1].trimmed) else {
        throw .notOfTheForm
      }
      entries.append(Entry(start: start, rate: rate))
    }
    try self.init(entries)
  }
}
