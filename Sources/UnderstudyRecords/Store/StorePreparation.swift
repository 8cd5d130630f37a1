import GRDB
import UnderstudySchema

// Not all of Foundation: names of both are the same.
import struct Foundation.URL

extension ResultsStore {
  /// Makes the tables, or checks that what is there belongs to the study, and brings it up to date; one transaction.
  ///
  /// - Returns: the study, with the random numbers of the runs that are there.
  static func prepare(_ database: DatabaseQueue, folder: URL, study: Study) throws -> Study {
    try database.write { db in
      guard let (stored, version) = try StoreSchema.readStudy(db, folder: folder) else {
        try StoreSchema.create(db, study: study)
        return study
      }
      // Tables that came since.
      if version == StoreSchema.version { try db.execute(sql: StoreSchema.laterStatements) }
      let study = study.drawing(as: stored)
      guard stored != study || version < StoreSchema.version else { return study }
      let places = try newPlaces(of: stored, in: study, folder: folder, db)
      if version < StoreSchema.version { try StoreSchema.migrate(db) }
      try StoreSchema.write(study, db)
      try move(places, study: study, db)
      return study
    }
  }

  /// Where the settings of recorded runs are in the study as it is now.
  ///
  /// A study by another name may be the same, or hold it.
  ///
  /// - Throws: ``StoreError/otherRuns(folder:study:count:example:)`` if there are runs that it does not declare, or
  ///   ``StoreError/otherStudy(folder:found:wanted:)`` if its name is another one as well.
  /// - Complexity: O(settings x keys + recorded runs); no run is hashed.
  private static func newPlaces(
    of stored: Study, in study: Study, folder: URL, _ db: Database
  ) throws -> [Int: Int] {
    let path = folder.appendingPathComponent(ResultsFolder.databaseName).path
    let sameRecord = stored.canonicalRecord == study.canonicalRecord
    var now: [String: Int] = [:]
    for (index, setting) in study.settings.enumerated() where sameRecord {
      now[contentHash(setting.canonicalText)] = index
    }
    let seeds = Set(study.seeds)
    var places: [Int: Int?] = [:]
    var strangers: (count: Int, example: String)?
    let rows = try Row.fetchCursor(db, sql: "SELECT setting_index, seed FROM run ORDER BY setting_index, seed")
    while let row = try rows.next() {
      let (index, seed): (Int, Int) = (try row.stored("setting_index"), try row.stored("seed"))
      guard stored.settings.indices.contains(index) else {
        throw StoreError.damaged(path: path, reason: "a run of setting \(index)")
      }
      if places[index] == nil { places[index] = .some(now[contentHash(stored.settings[index].canonicalText)]) }
      if places[index] == .some(nil) || !seeds.contains(seed) {
        let first = strangers ?? (0, "\(stored.label(of: stored.settings[index])), seed \(seed)")
        strangers = (first.count + 1, first.example)
      }
    }
    // In version 0.1 the name was part of a run.
    if stored.name != study.name, strangers != nil || (study.randomNumbers == .bySetting && !places.isEmpty) {
      throw StoreError.otherStudy(folder: folder.path, found: stored.name, wanted: study.name)
    }
    if let strangers {
      throw StoreError.otherRuns(
        folder: folder.path, study: study.name, count: strangers.count, example: strangers.example)
    }
    return places.compactMapValues(\.self)
  }

  /// Moves rows to their settings' new places: a grid may have grown in the middle.
  private static func move(_ places: [Int: Int], study: Study, _ db: Database) throws {
    try db.execute(sql: "CREATE TEMP TABLE place (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
    let insert = try db.cachedStatement(sql: "INSERT INTO place VALUES (?, ?)")
    for (old, new) in places { try insert.execute(arguments: [old, new]) }
    try db.execute(
      sql: """
        UPDATE run_record SET setting_index = (SELECT new FROM place WHERE old = setting_index);
        DROP TABLE place;
        DELETE FROM failure;
        DELETE FROM setting;
        """)
    for index in Set(places.values) { try keep(study.settings[index], index: index, db) }
  }

  /// What recorded runs refer to by its place in the grid.
  static func keep(_ setting: Setting, index: Int, _ db: Database) throws {
    let statement = try db.cachedStatement(sql: "INSERT OR IGNORE INTO setting (setting_index, setting) VALUES (?, ?)")
    try statement.execute(arguments: [index, setting.json])
  }
}
