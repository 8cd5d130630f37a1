import GRDB
import UnderstudySchema

/// What the recorded runs of a folder are in a study as it is now.
struct Placement {
  /// Places of their settings in the study's grid, by the places in the stored study's.
  private(set) var places: [Int: Int] = [:]
  /// The same of settings that the study has with more epochs only.
  private(set) var longer: [Int: Int] = [:]
  /// Runs that the study does not declare: how many, and the first.
  private(set) var strangers: (count: Int, example: String)?

  /// - Throws: ``StoredValueError`` for a run of a setting that there is not.
  /// - Complexity: O(settings x keys + recorded runs); no run is hashed.
  init(of stored: Study, in study: Study, _ db: Database) throws {
    try placeSettings(of: stored, in: study, db)
    let seeds = Set(study.seeds)
    let rows = try Row.fetchCursor(db, sql: "SELECT setting_index, seed FROM run ORDER BY setting_index, seed")
    while let row = try rows.next() {
      let (index, seed): (Int, Int) = (try row.stored("setting_index"), try row.stored("seed"))
      if places[index] ?? longer[index] != nil, seeds.contains(seed) { continue }
      let example = strangers?.example ?? stored.label(of: stored.settings[index], seed: seed)
      strangers = ((strangers?.count ?? 0) + 1, example)
    }
  }

  private mutating func placeSettings(of stored: Study, in study: Study, _ db: Database) throws {
    let recorded = try Int.fetchAll(db, sql: "SELECT DISTINCT setting_index FROM run ORDER BY setting_index")
    if let index = recorded.first(where: { !stored.settings.indices.contains($0) }) {
      throw StoredValueError("a run of setting \(index)")
    }
    guard stored.canonicalRecord == study.canonicalRecord else { return }
    var now: [String: Int] = [:]
    for (index, setting) in study.settings.enumerated() { now[contentHash(setting.canonicalText)] = index }
    for index in recorded { places[index] = now[contentHash(stored.settings[index].canonicalText)] }
    // In version 0.1 the epochs were part of what random numbers follow from.
    guard places.count < recorded.count, study.randomNumbers == .bySeed else { return }
    let lengths = TrainingLengths(study.settings)
    for index in recorded where places[index] == nil {
      longer[index] = lengths.placeOfNextLonger(than: stored.settings[index])
    }
    // Two runs cannot both become one.
    let counts = Dictionary(
      (Array(longer.values) + Array(places.values)).map { ($0, 1) }, uniquingKeysWith: +)
    longer = longer.filter { counts[$0.value] == 1 }
  }
}

/// Places of settings that differ in nothing but the number of epochs.
struct TrainingLengths {
  private var places: [String: [(epochs: Int, place: Int)]] = [:]

  init(_ settings: [Setting]) {
    for (place, setting) in settings.enumerated() {
      places[Self.name(setting), default: []].append((setting.training.epochs, place))
    }
  }

  /// Of those with more epochs, the one with the fewest; nil if there is none.
  func placeOfNextLonger(than setting: Setting) -> Int? {
    places[Self.name(setting)]?.filter { $0.epochs > setting.training.epochs }.min { $0.epochs < $1.epochs }?.place
  }

  private static func name(_ setting: Setting) -> String {
    var setting = setting
    setting.training.epochs = 1
    return contentHash(setting.canonicalText)
  }
}
