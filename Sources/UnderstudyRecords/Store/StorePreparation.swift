import GRDB
import UnderstudySchema

// Not all of Foundation: names of both are the same.
import struct Foundation.URL

extension ResultsStore {
  /// Makes the tables, or checks that what is there belongs to the study, and brings it up to date; one transaction.
  ///
  /// - Returns: the study that the folder has now, with the random numbers of the runs that are there: of one that has all runs of
  ///   the study and more, that. And what there is to say about it; nil if nothing.
  /// - Throws: ``StoreError/otherRuns(folder:study:count:example:)`` if there are runs that it does not declare, or
  ///   ``StoreError/otherStudy(folder:found:wanted:)`` if its name is another one as well.
  static func prepare(
    _ database: DatabaseQueue, folder: URL, study: Study
  ) throws -> (study: Study, notice: String?) {
    try database.write { db in
      guard let (stored, version) = try StoreSchema.readStudy(db, folder: folder) else {
        try StoreSchema.create(db, study: study)
        return (study, nil)
      }
      if version == StoreSchema.version { try StoreSchema.complete(db) }
      let study = study.drawing(as: stored).naming(originalsOf: stored, copiedIn: folder)
      guard stored != study || version < StoreSchema.version else { return (study, nil) }
      let placement = try Placement(of: stored, in: study, db)
      let isPart = placement.strangers != nil && study.isPart(of: stored)
      if !isPart { try check(placement, of: stored, in: study, folder: folder) }
      if version < StoreSchema.version { try StoreSchema.migrate(db, from: version) }
      guard !isPart else {
        let kept = stored.presented(as: study)
        if kept != stored { try StoreSchema.write(kept, db) }
        return (kept, nil)
      }
      let recorded = try goOn(placement.longer, from: stored, in: study, folder: folder, database, db)
      let begunCount = try handOnCheckpoints(of: stored, to: study, db)
      let begun =
        begunCount == 0
        ? nil
        : "\(study.name): \(begunCount) unfinished runs go on from their checkpoints, as the study has more epochs now"
      let notices = [recorded, begun].compactMap { $0 }
      let notice = notices.isEmpty ? nil : notices.joined(separator: "\n")
      try StoreSchema.write(study, db)
      try move(placement.places, study: study, db)
      return (study, notice)
    }
  }

  /// A study by another name may be the same, or hold it.
  private static func check(_ placement: Placement, of stored: Study, in study: Study, folder: URL) throws {
    // In version 0.1 the name was part of a run.
    let isOfOtherName = study.randomNumbers == .bySetting && !placement.places.isEmpty
    if stored.name != study.name, placement.strangers != nil || isOfOtherName {
      throw StoreError.otherStudy(folder: folder.path, found: stored.name, wanted: study.name)
    }
    if let strangers = placement.strangers {
      throw StoreError.otherRuns(
        folder: folder.path, study: study.name, count: strangers.count, example: strangers.example)
    }
  }

  /// - Returns: what there is to say; nil if no run is trained longer.
  private static func goOn(
    _ longer: [Int: Int], from stored: Study, in study: Study, folder: URL, _ database: DatabaseQueue, _ db: Database
  ) throws -> String? {
    guard !longer.isEmpty else { return nil }
    let reader = ResultsStore(
      folder: folder, study: stored, version: StoreSchema.version, database: database, journal: .rollback,
      patience: Patience(folder.path, notice: { _ in }))
    let count = try goOn(longer, in: study, from: reader, db)
    return "\(study.name): \(count) recorded runs go on from their last epoch, as the study has more epochs now"
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
