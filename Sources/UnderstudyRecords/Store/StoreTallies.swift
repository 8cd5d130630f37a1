import GRDB

/// How many runs of a setting are recorded.
public struct SettingTally: Sendable {
  public var recordedCount = 0
  /// Of the recorded ones.
  public var divergedCount = 0
  /// Of all of them together.
  public var wallSeconds = 0.0
  public var cpuSeconds = 0.0
}

/// What is known of a study from counting, without its measurements.
extension ResultsStore {
  /// Of each setting that has recorded runs, by its place in the grid.
  ///
  /// - Complexity: O(recorded runs), some microseconds each; no run is hashed.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func tallies() throws(StoreError) -> [Int: SettingTally] {
    try reading { db in
      var tallies: [Int: SettingTally] = [:]
      // The greatest and least tell of every row whether it can be what was recorded.
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT setting_index, count(*) AS recorded, sum(outcome = 'diverged') AS diverged, sum(wall_seconds) AS wall,
            sum(cpu_seconds) AS cpu, min(wall_seconds) AS wall_least, max(wall_seconds) AS wall_most,
            min(cpu_seconds) AS cpu_least, max(cpu_seconds) AS cpu_most
          FROM run GROUP BY setting_index
          """)
      while let row = try rows.next() {
        for column in ["wall", "cpu"] {
          for end in ["least", "most"] { _ = try row.storedSeconds("\(column)_\(end)") }
        }
        tallies[try storedSetting(row)] = SettingTally(
          recordedCount: try row.stored("recorded"), divergedCount: try row.stored("diverged"),
          wallSeconds: try row.stored("wall"), cpuSeconds: try row.stored("cpu"))
      }
      return tallies
    }
  }

  /// What the recorded runs were computed by (``RunRecord/machine``), each with the settings of such runs.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  /// - Complexity: O(recorded runs).
  public func machines() throws(StoreError) -> [(machine: String, settings: [Int])] {
    try reading { db in
      var result: [(machine: String, settings: [Int])] = []
      let rows = try Row.fetchCursor(
        db, sql: "SELECT DISTINCT machine, setting_index FROM run ORDER BY setting_index, machine")
      while let row = try rows.next() {
        let (machine, setting): (String, Int) = (try row.stored("machine"), try storedSetting(row))
        if let place = result.firstIndex(where: { $0.machine == machine }) {
          result[place].settings.append(setting)
        } else {
          result.append((machine, [setting]))
        }
      }
      return result
    }
  }

  /// The first of the diverged runs by setting and seed, with the epoch in which they did.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func divergedRuns(atMost count: Int) throws(StoreError) -> [(settingIndex: Int, seed: Int, epoch: Int)] {
    try reading { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT setting_index, seed, diverged_epoch FROM run WHERE outcome = 'diverged' ORDER BY setting_index, seed
          LIMIT ?
          """, arguments: [count]
      ).map { row in
        (try storedSetting(row), try row.stored("seed"), try row.storedCount("diverged_epoch"))
      }
    }
  }

  /// Unfinished runs that have a checkpoint.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func checkpointCount() throws(StoreError) -> Int {
    try reading { try Int.fetchOne($0, sql: "SELECT count(*) FROM checkpoint") ?? 0 }
  }

  /// Which runs are recorded: the seeds by setting.
  ///
  /// - Complexity: O(recorded runs).
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func recordedSeeds() throws(StoreError) -> [Int: Set<Int>] {
    try reading { db in
      var recorded: [Int: Set<Int>] = [:]
      let rows = try Row.fetchCursor(db, sql: "SELECT setting_index, seed FROM run")
      while let row = try rows.next() {
        let seed: Int = try row.stored("seed")
        guard seeds.contains(seed) else {
          throw StoredValueError("a run of seed \(seed), and there is none")
        }
        recorded[try storedSetting(row), default: []].insert(seed)
      }
      return recorded
    }
  }
}
