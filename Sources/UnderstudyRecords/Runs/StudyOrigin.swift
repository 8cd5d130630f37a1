import Foundation
import GRDB
import UnderstudySchema

/// Where the study of a results folder was read from, so that its claim, figures and findings can be read again as they are now.
public struct StudyOrigin: Codable, Hashable, Sendable {
  /// Of the study's file, absolute; nil of a bundled study.
  public var path: String?
  /// Of a bundled study.
  public var bundledName: String?
  public var scale: String?
  /// As after `--set`.
  public var overrides: [String]

  public init(path: String? = nil, bundledName: String? = nil, scale: String?, overrides: [String]) {
    self.path = path.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    (self.bundledName, self.scale, self.overrides) = (bundledName, scale, overrides)
  }
}

extension ResultsStore {
  /// Takes down where the study was read from, in place of an earlier note.
  ///
  /// - Throws: ``StoreError`` of a folder that cannot be changed.
  public func keepOrigin(_ origin: StudyOrigin) throws(StoreError) {
    guard try self.origin() != origin else { return }
    try changing {
      let text = String(decoding: try JSONEncoder().encode(origin), as: UTF8.self)
      try database.write { db in
        try db.execute(sql: "DELETE FROM origin")
        try db.execute(sql: "INSERT INTO origin VALUES (?)", arguments: [text])
      }
    }
  }

  /// Where the study was read from when it was last run; nil in folders of before it was kept.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func origin() throws(StoreError) -> StudyOrigin? {
    try reading { db in
      guard try db.tableExists("origin"), let row = try Row.fetchOne(db, sql: "SELECT origin FROM origin") else {
        return nil
      }
      let text: String = try row.stored("origin")
      return try JSONDecoder().decode(StudyOrigin.self, from: Data(text.utf8))
    }
  }

  /// The folder's study with the claim, figures and findings of another one; nil if that declares other runs.
  public func presented(as other: Study) -> Study? {
    var other = other.drawing(as: study)
    // A file under another name declares the same runs, but for those of version 0.1.
    if study.randomNumbers == .bySeed { other.name = study.name }
    return other.isPart(of: study) ? study.presented(as: other) : nil
  }
}
