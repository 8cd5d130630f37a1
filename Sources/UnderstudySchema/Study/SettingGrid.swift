/// All combinations of some lists, kept as the lists: a grid of 20 000 settings has some hundred values.
package struct SettingGrid: Codable {
  /// More settings than this are a typing error.
  package static let greatestCount = 1_000_000

  struct Axis: Codable {
    /// The key's path.
    var key: String
    var values: [GridValue]
  }

  /// The first setting.
  var base: Setting
  /// In the order of keys; the last one varies fastest.
  var axes: [Axis]

  /// nil if the settings are no such grid, as those of a study that was made in code need not be.
  ///
  /// - Complexity: O(settings x keys).
  init?(_ settings: [Setting]) {
    guard let base = settings.first else { return nil }
    (self.base, axes) = (base, [])
    for key in StudyKey.all {
      var values: [GridValue] = []
      var known: Set<GridValue?> = []
      for setting in settings {
        let value = key.read(setting).map { GridValue(value: $0, file: key.file(setting)) }
        guard known.insert(value).inserted else { continue }
        if let value { values.append(value) }
      }
      guard known.count > 1 else { continue }
      guard known.count == values.count else { return nil }
      axes.append(Axis(key: key.path, values: values))
    }
    guard self.settings == settings else { return nil }
  }

  /// nil if there are more than ``greatestCount``, or a key is not known.
  var settings: [Setting]? {
    var settings = [base]
    for axis in axes {
      guard let key = StudyKey.named(axis.key) else { return nil }
      let (count, overflows) = settings.count.multipliedReportingOverflow(by: axis.values.count)
      guard !overflows, (1...Self.greatestCount).contains(count) else { return nil }
      settings = key.spread(axis.values, over: settings)
    }
    return settings
  }
}

/// A value that an axis of a grid takes.
package struct GridValue: Codable, Hashable {
  package var value: KeyValue
  package var file: SourceFile?

  package init(value: KeyValue, file: SourceFile?) { (self.value, self.file) = (value, file) }
}

extension StudyKey {
  /// Each setting with each of the values, all values of the first setting first.
  package func spread(_ values: [GridValue], over settings: [Setting]) -> [Setting] {
    Self.spread([(self, values)], over: settings)
  }

  /// The same of several keys, whose values go together.
  ///
  /// - Precondition: all have as many values.
  package static func spread(_ axis: [(key: StudyKey, values: [GridValue])], over settings: [Setting]) -> [Setting] {
    let count = axis.first?.values.count ?? 0
    precondition(axis.allSatisfy { $0.values.count == count }, "zipped keys have as many values as each other")
    var longer: [Setting] = []
    longer.reserveCapacity(settings.count * count)
    for setting in settings {
      for index in 0..<count {
        var next = setting
        for (key, values) in axis { key.write(&next, values[index].value, values[index].file) }
        longer.append(next)
      }
    }
    return longer
  }
}

extension Study: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, claim, settings, grid, variedKeys, zippedKeys, seeds, record, figures, findings, randomNumbers
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let settings: [Setting]
    if let grid = try values.decodeIfPresent(SettingGrid.self, forKey: .grid) {
      guard let all = grid.settings else {
        throw DecodingError.dataCorruptedError(forKey: .grid, in: values, debugDescription: "no grid of settings")
      }
      settings = all
    } else {
      // As folders of before 0.2 have it, and settings that are no grid.
      settings = try values.decode([Setting].self, forKey: .settings)
    }
    self.init(
      name: try values.decode(String.self, forKey: .name), claim: try values.decode(String.self, forKey: .claim),
      settings: settings,
      variedKeys: try values.decode([String].self, forKey: .variedKeys).map { StudyKey.named($0)?.path ?? $0 },
      seeds: try values.decode([Int].self, forKey: .seeds),
      record: try values.decode([RecordRule].self, forKey: .record),
      figures: try values.decode([FigureDeclaration].self, forKey: .figures),
      findings: try values.decode([FindingDeclaration].self, forKey: .findings))
    zippedKeys = try values.decodeIfPresent([[String]].self, forKey: .zippedKeys) ?? []
    // Version 0.1 does not say.
    randomNumbers = try values.decodeIfPresent(RandomNumbers.self, forKey: .randomNumbers) ?? .bySetting
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(claim, forKey: .claim)
    if let grid = SettingGrid(settings) {
      try values.encode(grid, forKey: .grid)
    } else {
      try values.encode(settings, forKey: .settings)
    }
    try values.encode(variedKeys, forKey: .variedKeys)
    if !zippedKeys.isEmpty { try values.encode(zippedKeys, forKey: .zippedKeys) }
    try values.encode(seeds, forKey: .seeds)
    try values.encode(record, forKey: .record)
    try values.encode(figures, forKey: .figures)
    try values.encode(findings, forKey: .findings)
    try values.encode(randomNumbers, forKey: .randomNumbers)
  }
}
